import { signJwt } from "../support/keys.ts";
import type { AnyProject, ServerProject } from "../support/projects.ts";

/** Somebody who sends requests: with a key, or with none. */
export interface Caller {
  readonly name: string;
  /** What is sent as the API key; none where undefined. */
  readonly key: string | undefined;
}

/**
 * Everybody who may come to a project's API, by the key that they have. The names are those of the
 * matrix in `api_matrix.ts`.
 */
export async function listCallers(project: AnyProject): Promise<Caller[]> {
  const { keyFor } = project;
  const now = Math.floor(Date.now() / 1000);
  const service = { role: "service_role" };
  return Object.entries({
    "no key": undefined,
    "malformed key": "not-a-key",
    "service_role, signed elsewhere": await signJwt(
      { ...service, exp: now + 3600 },
      "the secret of another project, as long as ours",
    ),
    "service_role, not signed": unsigned(service),
    "service_role, expired": await keyFor({ ...service, exp: now - 3600 }),
    "service_role, not yet valid": await keyFor({ ...service, nbf: now + 3600 }),
    "anon": project.anonKey,
    "authenticated": await keyFor({ role: "authenticated", sub: crypto.randomUUID() }),
    "no role": await keyFor({}),
    "role authenticator": await keyFor({ role: "authenticator" }),
    "role none": await keyFor({ role: "none" }),
    "role postgres": await keyFor({ role: "postgres" }),
    "role supabase_admin": await keyFor({ role: "supabase_admin" }),
    "role dashboard_user": await keyFor({ role: "dashboard_user" }),
    "role pg_read_all_data": await keyFor({ role: "pg_read_all_data" }),
    "role of no such name": await keyFor({ role: "nobody" }),
    "role null": await keyFor({ role: null }),
    "role a list": await keyFor({ role: ["service_role"] }),
    "role an injection": await keyFor({ role: `anon"; set role postgres; --` }),
    "service_role, another ref": await keyFor({ ...service, ref: "zyxwvutsrqponmlkjihg" }),
    "service_role": project.serviceKey,
  }).map(([name, key]) => ({ name, key }));
}

/** Those whose keys the gateway alone knows: to PostgREST they are no tokens. */
export function listGatewayCallers(project: ServerProject): Caller[] {
  return [
    { name: "publishable key", key: project.publishableKey },
    { name: "unknown secret key", key: "sb_secret_OfNoProjectAtAll_AbCdEf12" },
    { name: "secret key", key: project.secretKey },
  ];
}

/** A token that says itself that nobody signed it. */
function unsigned(claims: Record<string, unknown>): string {
  const encode = (part: unknown) => btoa(JSON.stringify(part)).replaceAll("=", "");
  return `${encode({ alg: "none", typ: "JWT" })}.${encode(claims)}.`;
}
