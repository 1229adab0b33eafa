import assert from "node:assert/strict";
import type { Target } from "../../lib/database/target.ts";
import { parseShadowUrl } from "../../lib/schema/server_shadow.ts";

const HOSTED: Target = {
  kind: "project",
  name: "abcdefghijklmnopqrst",
  url: "https://abcdefghijklmnopqrst.supabase.co",
};
const OWN: Target = { kind: "project", name: "db.example.com", url: "https://db.example.com" };
const LOCAL: Target = { kind: "local", name: "127.0.0.1", url: "http://127.0.0.1:54321" };

for (
  const [name, url, target, reason] of [
    [
      "a hosted project",
      "postgresql://postgres@db.abcdefghijklmnopqrst.supabase.co",
      HOSTED,
      /hosted/,
    ],
    [
      "another hosted project",
      "postgresql://postgres@db.zzzzzzzzzzzzzzzzzzzz.supabase.co",
      HOSTED,
      /hosted/,
    ],
    [
      "a project's pooler",
      "postgresql://postgres.abcdefghijklmnopqrst@aws-0-eu-central-1.pooler.supabase.com:5432",
      LOCAL,
      /hosted/,
    ],
    ["a pooler", "postgresql://postgres@db.example.com:6543", LOCAL, /pooler/],
    ["the project's own server", "postgresql://admin@db.example.com:5433", OWN, /own server/],
    ["no address", "localhost:5432", LOCAL, /^Error: --shadow does not begin with postgresql/],
  ] as const
) {
  Deno.test(`no shadow is made on ${name}`, () => {
    assert.throws(
      () => parseShadowUrl({ url, target }),
      (error: Error) => reason.test(`Error: ${error.message}`),
    );
  });
}

Deno.test("no shadow is made on the server of DATABASE_URL, unless that is this machine", () => {
  const url = "postgresql://admin@10.0.0.7:5432/other";
  assert.throws(
    () =>
      parseShadowUrl({ url, target: HOSTED, databaseUrl: "postgresql://postgres:x@10.0.0.7/app" }),
    /own server/,
  );
  for (const host of ["localhost", "127.0.0.1", "[::1]"]) {
    const url = `postgresql://postgres@${host}:5432`;
    assert.equal(parseShadowUrl({ url, target: LOCAL, databaseUrl: url }).target.kind, "local");
  }
  const elsewhere = "postgresql://postgres@shadows.example.com:5432";
  assert.equal(parseShadowUrl({ url: elsewhere, target: OWN }).target.name, "shadows.example.com");
});
