/** The project whose keys these are, as the `ref` claim of a hosted project's keys names it. */
export const projectRef = "abcdefghijklmnopqrst";

/** Signs claims as a JSON Web Token (HS256), as a project's API keys are. */
export async function signJwt(claims: Record<string, unknown>, secret: string): Promise<string> {
  const signed = `${encode(JSON.stringify({ alg: "HS256", typ: "JWT" }))}.${
    encode(JSON.stringify(claims))
  }`;
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  const key = await crypto.subtle.importKey("raw", bytes(secret), algorithm, false, ["sign"]);
  const signature = await crypto.subtle.sign(algorithm, key, bytes(signed));
  return `${signed}.${
    new Uint8Array(signature).toBase64({ alphabet: "base64url", omitPadding: true })
  }`;
}

function bytes(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text);
}

function encode(text: string): string {
  return bytes(text).toBase64({ alphabet: "base64url", omitPadding: true });
}
