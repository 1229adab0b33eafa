/** Lets a project of the tests look like a hosted one: over HTTPS, at an address that is not local. */

import { createServer } from "node:https";
import { buffer } from "node:stream/consumers";
import { makeCertificate } from "./certificate.ts";
import type { Project } from "./stack.ts";

/** A project at `https://0.0.0.0:…`, which leads to this machine and nowhere else. */
export interface HostedProject extends AsyncDisposable {
  /** What `SUPABASE_URL` would hold. */
  readonly url: string;
  /** What the commands call it. */
  readonly name: string;
  /** The requests that have come in. */
  readonly requests: number;
}

/** Trusts the certificate of all that {@linkcode openHosted} opens: for a command's environment. */
export interface Trust extends AsyncDisposable {
  readonly environment: Readonly<Record<string, string>>;
}

const certificate = makeCertificate("0.0.0.0");

/** Writes the certificate down. */
export async function openTrust(): Promise<Trust> {
  const path = await Deno.makeTempFile({ suffix: ".pem" });
  await Deno.writeTextFile(path, certificate.cert);
  return {
    environment: { DENO_CERT: path },
    [Symbol.asyncDispose]: () => Deno.remove(path),
  };
}

/** Opens another door to a project. */
export async function openHosted(project: Project): Promise<HostedProject> {
  let requests = 0;
  const server = createServer(
    { ...certificate, connectionsCheckingInterval: 2 ** 31 - 1 },
    async (incoming, outgoing) => {
      requests++;
      const headers = new Headers();
      for (const name of ["apikey", "authorization", "content-type"]) {
        const value = incoming.headers[name];
        if (value !== undefined) headers.set(name, String(value));
      }
      const response = await fetch(`${project.url}${incoming.url}`, {
        method: incoming.method ?? "GET",
        headers,
        body: new Uint8Array(await buffer(incoming)),
      });
      outgoing.writeHead(response.status, {
        "content-type": response.headers.get("content-type") ?? "text/plain",
        connection: "close",
      });
      outgoing.end(await response.bytes());
    },
  );
  const { promise, resolve } = Promise.withResolvers<void>();
  server.listen(0, "0.0.0.0", resolve);
  await promise;
  const { port } = server.address() as { port: number };
  return {
    url: `https://0.0.0.0:${port}`,
    name: `0.0.0.0:${port}`,
    get requests() {
      return requests;
    },
    async [Symbol.asyncDispose]() {
      const { promise, resolve } = Promise.withResolvers<void>();
      server.close(() => resolve());
      server.closeAllConnections();
      await promise;
    },
  };
}
