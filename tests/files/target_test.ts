import assert from "node:assert/strict";

import { checkServiceKey, parseTarget } from "../../lib/database/target.ts";
import { ConfigurationError } from "../../lib/errors.ts";
import { createMigrator } from "../../mod.ts";
import { projectRef, signJwt } from "../support/keys.ts";

const url = `https://${projectRef}.supabase.co`;
const now = Date.UTC(2025, 6, 26);

/** Signs claims with a secret that is of no use to anybody. */
function sign(claims: Record<string, unknown>): Promise<string> {
  return signJwt(claims, "a secret of 32 characters, or more");
}

/** Puts any text where a JWT has its claims. */
function withPayload(payload: string): string {
  const encoded = new TextEncoder().encode(payload).toBase64({
    alphabet: "base64url",
    omitPadding: true,
  });
  return `eyJhbGciOiJIUzI1NiJ9.${encoded}.c2lnbmF0dXJlLW9mLXRoZS1rZXk`;
}

const targets: Record<string, ReturnType<typeof parseTarget>> = {
  [url]: { kind: "project", name: projectRef, url },
  [`${url}/`]: { kind: "project", name: projectRef, url },
  [`${url}/rest/v1/`]: { kind: "project", name: projectRef, url },
  [url.toUpperCase()]: { kind: "project", name: projectRef, url },
  [`https://${projectRef}.supabase.in`]: {
    kind: "project",
    name: projectRef,
    url: `https://${projectRef}.supabase.in`,
  },
  "https://api.example.com": {
    kind: "project",
    name: "api.example.com",
    url: "https://api.example.com",
  },
  "https://example.com:8443/supabase/": {
    kind: "project",
    name: "example.com:8443",
    url: "https://example.com:8443/supabase",
  },
  "https://abc.supabase.co.example.com": {
    kind: "project",
    name: "abc.supabase.co.example.com",
    url: "https://abc.supabase.co.example.com",
  },
  "http://localhost:54321": {
    kind: "local",
    name: "localhost:54321",
    url: "http://localhost:54321",
  },
  "http://127.0.0.1:54321/": {
    kind: "local",
    name: "127.0.0.1:54321",
    url: "http://127.0.0.1:54321",
  },
  "http://[::1]:54321": { kind: "local", name: "[::1]:54321", url: "http://[::1]:54321" },
  "http://api.localhost": { kind: "local", name: "api.localhost", url: "http://api.localhost" },
  "https://localhost": { kind: "local", name: "localhost", url: "https://localhost" },
};

for (const [text, target] of Object.entries(targets)) {
  Deno.test(`parseTarget() takes ${text}`, () => {
    assert.deepEqual(parseTarget(text), target);
  });
}

const refusedUrls: Record<string, RegExp> = {
  "": /^SUPABASE_URL is not a URL/,
  "abcdefghijklmnopqrst": /^SUPABASE_URL is not a URL/,
  "abcdefghijklmnopqrst.supabase.co": /^SUPABASE_URL is not a URL/,
  "https://": /^SUPABASE_URL is not a URL/,
  "//example.com": /^SUPABASE_URL is not a URL/,
  "http://example.com": /^SUPABASE_URL has to begin with https:\/\/, not http:\/\/$/,
  [url.replace("https", "http")]: /^SUPABASE_URL has to begin with https/,
  "http://localhost.example.com": /^SUPABASE_URL has to begin with https/,
  "http://127.0.0.1.nip.io": /^SUPABASE_URL has to begin with https/,
  "http://10.0.0.1": /^SUPABASE_URL has to begin with https/,
  "http://0.0.0.0:54321": /^SUPABASE_URL has to begin with https/,
  "localhost:54321": /^SUPABASE_URL has to begin with https/,
  "ftp://example.com": /^SUPABASE_URL has to begin with https/,
  "file:///etc/passwd": /^SUPABASE_URL has to begin with https/,
  "javascript:alert(1)": /^SUPABASE_URL has to begin with https/,
  "https://user@example.com": /^SUPABASE_URL holds a user name or a password$/,
  "postgresql://postgres:hunter2-hunter2@db.example.com:5432/postgres":
    /^SUPABASE_URL holds a user name or a password$/,
};

for (const [text, message] of Object.entries(refusedUrls)) {
  Deno.test(`parseTarget() refuses ${JSON.stringify(text)}`, () => {
    assert.throws(() => parseTarget(text), (error) => {
      assert(error instanceof ConfigurationError);
      assert.match(error.message, message);
      assert.doesNotMatch(`${error.message} ${error.hint}`, /hunter2/);
      return true;
    });
  });
}

const privateUrls = [
  "http://kong:8000",
  "http://host.docker.internal:54321",
  "http://supabase.local",
  "http://nas.home.arpa",
  "http://10.0.0.1",
  "http://172.16.0.1:8000",
  "http://172.31.255.255",
  "http://192.168.1.20:8000",
  "http://100.64.0.1",
  "http://[fd12:3456::1]:8000",
  "http://[fe80::1]",
];

for (const text of privateUrls) {
  Deno.test(`parseTarget() takes ${text} where http is allowed, as a project, and names the flag where not`, () => {
    assert.equal(parseTarget(text, true).kind, "project");
    assert.throws(() => parseTarget(text), (error) => {
      assert(error instanceof ConfigurationError);
      assert.match(error.hint!, /--allow-http/);
      return true;
    });
  });
}

const publicUrls = [
  "http://example.com",
  url.replace("https", "http"),
  "http://10.0.0.1.nip.io",
  "http://172.15.0.1",
  "http://172.32.0.1",
  "http://11.0.0.1",
  "http://192.169.0.1",
  "http://100.63.0.1",
  "http://100.128.0.1",
  "http://169.254.169.254",
  "http://8.8.8.8",
  "http://0x08080808",
  "http://[2001:db8::1]",
  "http://[::ffff:8.8.8.8]",
  "http://kong.example.com",
  "http://local.example.com",
  "ftp://kong",
];

for (const text of publicUrls) {
  Deno.test(`parseTarget() refuses ${text} even where http is allowed, and does not name the flag`, () => {
    assert.throws(() => parseTarget(text, true), (error) => {
      assert(error instanceof ConfigurationError);
      assert.match(error.message, /has to begin with https/);
      assert.doesNotMatch(error.hint!, /allow-http/);
      return true;
    });
  });
}

Deno.test("checkServiceKey() takes keys that may migrate", async () => {
  const keys = [
    await sign({ role: "service_role" }),
    await sign({ role: "service_role", ref: projectRef, exp: now / 1000 + 1 }),
    await sign({ role: "service_role", iss: "supabase-demo", exp: 1983812996 }),
    "sb_secret_for-the-tests-and-nothing-else",
  ];
  for (const key of keys) checkServiceKey(key, url, now);
});

Deno.test("checkServiceKey() takes a key of any project behind a name of one's own", async () => {
  const key = await sign({ role: "service_role", ref: "anotherprojectsref" });
  for (const other of ["https://api.example.com", "http://localhost:54321"]) {
    checkServiceKey(key, other, now);
  }
});

const refusedKeys: Record<string, [key: string, message: RegExp]> = {
  "the anon key": [await sign({ role: "anon", ref: projectRef }), /is for the role "anon"/],
  "a user's token": [await sign({ role: "authenticated" }), /is for the role "authenticated"/],
  "a JWT without a role": [await sign({}), /is for the role "undefined"/],
  "a JWT of which the role is no text": [await sign({ role: ["service_role"] }), /^\S+ is for/],
  "the publishable key": [
    "sb_publishable_for-the-tests-alone",
    /is the publishable key/,
  ],
  "an expired key": [
    await sign({ role: "service_role", exp: now / 1000 }),
    /expired on 2025-07-26$/,
  ],
  "a key that expired before there was time": [
    await sign({ role: "service_role", exp: -1e20 }),
    /expired/,
  ],
  "another project's key": [
    await sign({ role: "service_role", ref: "zyxwvutsrqponmlkjihg" }),
    new RegExp(
      `belongs to the project "zyxwvutsrqponmlkjihg", and SUPABASE_URL to "${projectRef}"$`,
    ),
  ],
  "an empty key": ["", /is neither a JWT nor a secret key/],
  "a password": ["correct-horse-battery-staple", /is neither a JWT nor a secret key/],
  "a secret key cut short": ["sb_secret_abc", /is neither a JWT nor a secret key/],
  "a JWT cut short": [
    (await sign({ role: "service_role" })).replace(/\.[^.]*$/, ""),
    /is neither a JWT nor a secret key/,
  ],
  "a JWT without a signature": [
    (await sign({ role: "service_role" })).replace(/[^.]*$/, ""),
    /is neither a JWT nor a secret key/,
  ],
  "a JWT with a part too many": [
    `${await sign({ role: "service_role" })}.abcdefgh`,
    /is neither a JWT nor a secret key/,
  ],
  "a JWT with claims that are no JSON": [
    withPayload("{not-json-at-all}"),
    /is neither a JWT nor a secret key/,
  ],
  "a JWT with claims that are no object": [
    withPayload('"service_role"'),
    /is neither a JWT nor a secret key/,
  ],
  "a JWT with claims that are null": [withPayload("null"), /is neither a JWT nor a secret key/],
  "a key with a blank behind it": [`${await sign({ role: "service_role" })} `, /white space/],
  "a key with a newline behind it": ["sb_secret_for-the-tests\n", /white space/],
  "a key with a newline in it": ["sb_secret_for-the\ntests-and-nothing-else", /white space/],
  "a key in quotes of a word processor": [
    "“sb_secret_for-the-tests”",
    /characters that no/,
  ],
  "a key with a no-break space": ["sb_secret_for-the\u00a0tests-alone", /white space/],
  "a key with a zero-width space": ["sb_secret_for-the\u200btests-alone", /characters that no/],
  "a key cut off by dots on a screen": ["sb_secret_for-the…", /characters that no/],
};

/** Parts of a key that would give it away. */
function partsOf(key: string): string[] {
  return [key, ...key.split(/[.\s]/)].filter((part) => part.length >= 8);
}

function assertHides(error: unknown, key: string): void {
  const told = [error, (error as Error).cause].map((it) =>
    it instanceof Error
      ? `${it.name} ${it.message} ${it.stack} ${JSON.stringify({ ...it })}`
      : `${it}`
  ).join();
  for (const part of partsOf(key)) assert(!told.includes(part), `"${part}" is in: ${told}`);
}

for (const [what, [key, message]] of Object.entries(refusedKeys)) {
  Deno.test(`checkServiceKey() refuses ${what}, and does not tell it`, () => {
    assert.throws(() => checkServiceKey(key, url, now), (error) => {
      assert(error instanceof ConfigurationError, String(error));
      assert.match(error.message, /^SUPABASE_SERVICE_KEY /);
      assert.match(error.message, message);
      assert(error.hint !== undefined);
      assertHides(error, key);
      return true;
    });
  });
}

Deno.test("createMigrator() refuses bad keys and URLs before anything is sent, and tells no key", () => {
  for (const [key, message] of Object.values(refusedKeys)) {
    if (key === "") continue;
    assert.throws(() => createMigrator({ supabaseUrl: url, serviceKey: key }), (error) => {
      assert(error instanceof ConfigurationError, String(error));
      assert.match(error.message, message);
      assertHides(error, key);
      return true;
    });
  }
  assert.throws(() => createMigrator({ supabaseUrl: url }), {
    name: "ConfigurationError",
    message: "SUPABASE_SERVICE_KEY is not set",
  });
  assert.throws(() => createMigrator({ supabaseUrl: url, serviceKey: "" }), {
    message: "SUPABASE_SERVICE_KEY is not set",
  });
  assert.throws(() => createMigrator({ serviceKey: "sb_secret_for-the-tests" }), {
    message: "SUPABASE_URL is not set",
  });
});

Deno.test("parseTarget() does not tell a key that was set as the URL", async () => {
  const keys = [
    await sign({ role: "service_role" }),
    "sb_secret_for-the-tests-and-nothing-else",
    `sbp_${"0".repeat(40)}`,
  ];
  for (const key of keys) {
    assert.throws(() => parseTarget(key), (error) => {
      assert(error instanceof ConfigurationError);
      assertHides(error, key);
      return true;
    });
  }
});

Deno.test("createMigrator() refuses two databases, and numbers out of range", () => {
  assert.throws(() => createMigrator({ embedded: true, supabaseUrl: url }), {
    name: "ConfigurationError",
    message: "A project and the embedded database exclude each other",
  });
  for (const name of ["lockTimeoutMs", "batchSize", "requestTimeoutMs", "giveUpAfterMs"]) {
    for (const value of [0, -1, 1.5, NaN, Infinity, 2 ** 31]) {
      assert.throws(() => createMigrator({ embedded: true, [name]: value }), {
        name: "ConfigurationError",
        message: new RegExp(`^${name} has to be a whole number from 1 `),
      });
    }
  }
});
