import assert from "node:assert/strict";
import { createClient } from "@supabase/supabase-js";
import { group, hardline, indent, join, line, print } from "../../lib/delivery/types/layout.ts";
import { saysTheSame } from "../../lib/delivery/types/same.ts";
import { key, list, literal, property, union, wide } from "../../lib/delivery/types/writing.ts";
import {
  type CompositeTypes,
  Constants,
  type Database,
  type Enums,
  type Tables,
  type TablesInsert,
  type TablesUpdate,
} from "../testdata/types/every_kind.ts";

/** Whether two types are the same. */
type Same<One, Other> = (<T>() => T extends One ? 1 : 2) extends <T>() => T extends Other ? 1 : 2
  ? true
  : false;

/** Takes part in checking types, and does nothing. */
function expectTypes<_Held extends readonly true[]>(): void {}

Deno.test("the types are those that supabase-js reads results with", () => {
  const client = createClient<Database>("http://127.0.0.1:1", "key", {
    auth: { persistSession: false, autoRefreshToken: false },
  });
  // Never sent: what counts is that it type-checks.
  const select = () =>
    client.from("profiles").select("bio, organizations!profiles_organization_id_fkey(name)");
  type Selected = NonNullable<Awaited<ReturnType<typeof select>>["data"]>[number];
  const call = () => client.rpc("a_table", { wanted: "ok" });
  type Called = NonNullable<Awaited<ReturnType<typeof call>>["data"]>[number];
  const inOther = () => client.schema("api").from("things").insert({ id: 1, public_mood: "sad" });
  const wrong = () => {
    // @ts-expect-error -- there is no such table
    client.from("nowhere");
    // @ts-expect-error -- an identity that is always generated is not written
    client.from("organizations").insert({ id: 1, name: "a" });
    // @ts-expect-error -- it has to have a role
    client.from("members").insert({ organization_id: 1, person: "a" });
    // @ts-expect-error -- "up" is a mood of another schema
    client.rpc("a_table", { wanted: "up" });
    // @ts-expect-error -- a materialized view is not written to
    client.from("counted").insert({ members: 1 });
  };
  assert.equal(typeof inOther, typeof wrong);
  expectTypes<[
    Same<Selected, { bio: string | null; organizations: { name: string } }>,
    Same<Called["mood"], "sad" | "ok" | 'very "happy"' | "it's" | "ünïcode" | "">,
    Same<Called["odd name"], string>,
    Same<Tables<"members">["person"], string>,
    Same<Tables<"joined">["again"], number | null>,
    Same<Tables<{ schema: "api" }, "things">["public_mood"], Enums<"mood"> | null>,
    Same<TablesInsert<"kinds">["an_email"], string | null | undefined>,
    Same<TablesUpdate<"organizations">["id"], undefined>,
    Same<Enums<{ schema: "api" }, "mood">, "up" | "down">,
    Same<CompositeTypes<"address">["moods"], Enums<"mood">[] | null>,
  ]>();
  const moods: readonly Enums<"mood">[] = Constants.public.Enums.mood;
  assert.deepEqual(moods, ["sad", "ok", 'very "happy"', "it's", "ünïcode", ""]);
});

Deno.test("a group that does not fit is broken at all its places, and those around it too", () => {
  const words = (length: number) => Array.from({ length }, () => "0123456789");
  const of = (length: number) =>
    print(group("[", indent(line, join(line, words(length))), line, "]"));
  assert.equal(of(2), "[ 0123456789 0123456789 ]");
  assert.equal(of(8), `[\n${words(8).map((word) => `  ${word}\n`).join("")}]`);
  assert.equal(print(["a", group(indent(line, group("b", hardline, "c")))]), "a\n  b\n  c");
  assert.equal(print(list([])), "[]");
  assert.equal(print(list(words(9))), `[\n${words(9).map((word) => `  ${word},\n`).join("")}]`);
});

Deno.test("what follows on the line has to fit as well", () => {
  const type = (rest: string) =>
    print([property("a", union(["b".repeat(35), "c".repeat(35)])), rest]);
  assert.equal(type(""), `a: ${"b".repeat(35)} | ${"c".repeat(35)}`);
  assert.equal(type("123456"), `a:\n  | ${"b".repeat(35)}\n  | ${"c".repeat(35)}123456`);
});

Deno.test("names and values are written so that TypeScript reads what they are", () => {
  assert.equal(literal('a"b'), "'a\"b'");
  assert.equal(literal("it's \"'"), '"it\'s \\"\'"');
  assert.equal(literal("a\\\n\u202e\u{e0041}"), '"a\\\\\\n\\u202e\\udb40\\udc41"');
  assert.deepEqual(
    ["a", "ünï", "select", "a b", "1st", "", "$_1", "a-b", "日本", "😀"].map(key),
    ["a", "ünï", "select", '"a b"', '"1st"', '""', "$_1", '"a-b"', "日本", '"😀"'],
  );
  assert.equal(
    print(wide([property("a b", "string"), property("c", "number", true)])),
    '{ "a b": string; c?: number }',
  );
});

Deno.test("formatters change nothing, and everything else does", () => {
  const text =
    'export type Database = {\n  a: {\n    b: "x" | "y z"\n    "c d": string[]\n  }\n}\n';
  const formatted =
    "export type Database = {\r\n\ta: { 'b': | 'x' | 'y z'; 'c d': string[]; };\r\n};\r\n";
  assert(saysTheSame(text, formatted));
  for (
    const other of [
      text.replace("y z", "yz"),
      text.replace("y z", "y  z"),
      text.replace("string[]", "string"),
      text.replace("b:", "b?:"),
      text.replace('"x" | ', ""),
      `${text}\nexport {}`,
    ]
  ) assert(!saysTheSame(text, other), other);
});
