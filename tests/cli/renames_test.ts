import assert from "node:assert/strict";
import { Workspace } from "../support/cli.ts";

Deno.test("--rename takes names with commas, equals signs and quotes, as the hint writes them", async () => {
  await using workspace = await Workspace.create({
    "001_a.sql": `create table notes (id int, "a,b" int);\n`,
  });
  const declare = (sql: string) => Deno.writeTextFile(`${workspace.path}/schema.sql`, sql);
  const diff = (...args: string[]) =>
    workspace.run(["diff", "new", "--schema", "schema.sql", "--dry-run", "--verbose", ...args]);
  await declare(`create table notes (id int, "c=""d""" int);`);
  const { stderr } = await diff();
  const [, word] = /💡 Say --rename '(.*?)', or --no-renames/.exec(stderr) ?? [];
  assert.equal(word, `"public.notes.a,b"="public.notes.c=""d"""`, stderr);
  const renamed = await diff("--rename", word);
  assert.equal(renamed.code, 0, renamed.stderr);
  assert.match(renamed.stdout, /public\.notes\.a,b is public\.notes\.c="d" now/);

  await workspace.write("002_b.sql", "create table plain (id int, old int);");
  await declare(
    `create table notes (id int, "c=""d""" int);\ncreate table plain (id int, new int);`,
  );
  const both = await diff("--rename", `${word}, public.plain.old = public.plain.new`);
  assert.equal(both.code, 0, both.stderr);
  assert.match(both.stdout, /public\.plain\.old is public\.plain\.new now/);
  for (const unfit of ["a", "a=b=c", "=b", "a==b", `"a=b"`]) {
    const { code, stderr } = await diff("--rename", unfit);
    assert.equal(code, 2);
    assert.match(stderr, /does not say what was renamed\n💡 Write OLD=NEW, such as/);
  }
});
