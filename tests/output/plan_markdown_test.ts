import assert from "node:assert/strict";
import { block, code, html, plain } from "../../lib/output/markdown.ts";
import { formatPlanMarkdown } from "../../lib/output/plan_markdown.ts";
import type { PlanFile, PlanFileMigration } from "../../mod.ts";

const MIGRATION: PlanFileMigration = {
  name: "001_a.sql",
  reason: "not_executed",
  steps: [{ outside: null, settings: [], statements: [{ line: 1, sql: "create table a ()" }] }],
  stepsDone: 0,
  undo: null,
  rollback: { file: "001_a.sql", line: 3, sql: "drop table a;\n" },
  notices: [],
};

function planOf(
  migrations: readonly Partial<PlanFileMigration>[],
  others: Partial<PlanFile> = {},
): PlanFile {
  return {
    format: 1,
    toolVersion: "1.2.3",
    project: { kind: "project", name: "abcdefghijklmnopqrst" },
    options: {
      to: null,
      transaction: "each",
      onChange: "rerun",
      outOfOrder: "warn",
      order: "number",
      batchSize: 50,
      ledger: false,
    },
    files: [],
    history: {},
    migrations: migrations.map((migration) => ({ ...MIGRATION, ...migration })),
    refreshed: { rollbacks: [], checksums: [] },
    warnings: [],
    concerns: [],
    accepted: false,
    findings: null,
    locks: null,
    digest: "0123456789abcdef0123456789abcdef",
    ...others,
  };
}

Deno.test("a plan as Markdown has warnings on top, a table, and each migration's SQL", () => {
  const text = formatPlanMarkdown(planOf([
    {},
    {
      name: "002_b.sql",
      reason: "checksum_mismatch",
      rollback: null,
      undo: [{ line: 1, sql: "drop table b", destroys: "drops the table b" }],
      notices: ["It says COMMIT"],
      stepsDone: 1,
      steps: [
        { outside: null, settings: [], statements: [{ line: 2, sql: "create table b ()" }] },
        {
          outside: "CREATE INDEX CONCURRENTLY",
          settings: [{ line: 1, sql: "set search_path to app" }],
          statements: [{ line: 3, sql: "create index concurrently i on b (id)" }],
        },
      ],
    },
  ], {
    warnings: ["002_b.sql was applied"],
    concerns: [{ file: "002_b.sql", line: 1, about: "secret", says: "holds a password" }],
    refreshed: { rollbacks: ["000_z.sql"], checksums: [] },
  }));
  assert.equal(
    text,
    `<!-- plan of supamigrate -->

### 📋 2 migrations for \`abcdefghijklmnopqrst\`

**Destroys data:**

- 🔥 \`002_b.sql\`, line 1: drops the table b

**Warnings:**

- ⚠️ 002\\_b.sql was applied

❓ \`migrate\` asks about what can only be a key, and the like; without a terminal it needs \`--yes\`.

| # | Migration | Reason | Statements | Rollback |
| --- | --- | --- | --- | --- |
| 1 | \`001_a.sql\` | not\\_executed | 1 | yes |
| 2 | 🔥 \`002_b.sql\` | checksum\\_mismatch | 2 in 2 steps, 1 done | ⚠️ none |

**Brought up to date without being run:**

- ♻️ \`000_z.sql\`: its stored rollback SQL

<details><summary>1. <code>001_a.sql</code></summary>

\`\`\`sql
create table a ();
\`\`\`

**Rollback**

\`\`\`sql
drop table a;
\`\`\`

</details>

<details><summary>2. <code>002_b.sql</code></summary>

ℹ️ It says COMMIT

**Undo of the applied version**

\`\`\`sql
-- 🔥 line 1: drops the table b
drop table b;
\`\`\`

**Step 1 of 2 (done already)**

\`\`\`sql
create table b ();
\`\`\`

**Step 2 of 2, outside a transaction**

\`\`\`sql
set search_path to app;

create index concurrently i on b (id);
\`\`\`

**No rollback**

</details>

<sub>supamigrate 1.2.3, plan 0123456789abcdef</sub>`,
  );
});

Deno.test("a plan says what the rules have found beside errors, which are warnings already", () => {
  const finding = { file: "001_a.sql", line: 2, reason: "", remedy: "", code: "table-without-rls" };
  const findings = ["error", "warn", "info"].map((level) => ({
    ...finding,
    level,
    message: `<${level}>`,
  }));
  const text = formatPlanMarkdown({ ...planOf([{}]), findings } as unknown as PlanFile);
  assert.match(
    text,
    /\n\n\*\*`validate` also says:\*\*\n\n- `001_a\.sql`, line 2: \\<warn\\> \(`table-without-rls`\)\n\n\|/,
  );
});

Deno.test("a plan without migrations says that there is nothing to do", () => {
  assert.match(
    formatPlanMarkdown(planOf([])),
    /\n\nNothing to migrate: the database is up to date/,
  );
});

Deno.test("a plan as Markdown fits into a comment, and says what was left out", () => {
  const statements = Array.from({ length: 9000 }, (_, index) => ({
    line: index + 1,
    sql: `insert into a values (${index}, '${"``".repeat(index % 40)}')`,
    ...(index % 3 === 0 ? { destroys: "deletes all rows of a" } : {}),
  }));
  const long = { steps: [{ outside: null, settings: [], statements }] };
  for (
    const plan of [
      planOf([long]),
      planOf([{}, long, {}, long]),
      planOf(
        Array.from({ length: 1200 }, (_, index) => ({ name: `${index}_${"x".repeat(200)}.sql` })),
      ),
      planOf([{ rollback: { file: "a", line: 1, sql: "-- x\n".repeat(90_000) } }]),
      planOf(Array(900).fill({}), { warnings: Array(900).fill("@octocat, see #1: ".repeat(9)) }),
    ]
  ) {
    const text = formatPlanMarkdown(plan);
    assert(text.length <= 65_536, `${text.length}`);
    assert.match(text, /✂️ The SQL of \d+ migrations? is shortened or left out/);
    assert.equal(text.match(/^<details>/gm)?.length, text.match(/^<\/details>$/gm)?.length);
    const fences = [...text.matchAll(/^(`{3,})(sql)?$/gm)].map(([, fence, sql]) => [fence, sql]);
    for (let index = 0; index < fences.length; index += 2) {
      assert.deepEqual([fences[index]![1], fences[index + 1]![1]], ["sql", undefined]);
      assert.equal(fences[index]![0], fences[index + 1]![0]);
    }
  }
});

Deno.test("what is small is shown beside what is not", () => {
  const statements = [{ line: 1, sql: `select '${"x\n".repeat(90_000)}'` }];
  const long = { steps: [{ outside: null, settings: [], statements }] };
  const text = formatPlanMarkdown(planOf([long, { name: "002_small.sql" }]));
  assert.equal(text.match(/-- … shortened/g)?.length, 1);
  assert.match(text, /^drop table a;$[^]*<code>002_small\.sql<[^]*^create table a \(\);$/m);
  assert(text.length > 60_000, `${text.length}`);
});

Deno.test("no SQL ends its block", () => {
  for (const sql of ["```", "~~~\n````\n`````sql\n</details>", "a ``` b", ""]) {
    const [first, ...lines] = block(sql, "sql").split("\n");
    const fence = first!.replace("sql", "");
    assert.equal(lines.at(-1), fence);
    assert(lines.slice(0, -1).every((line) => !line.includes(fence)), sql);
  }
});

Deno.test("hostile names are text", () => {
  assert.equal(code("a`b``c.sql"), "```a`b``c.sql```");
  assert.equal(code("`a`"), "`` `a` ``");
  assert.equal(code(""), "` `");
  assert.equal(code("a | b\n| c\\| d"), "`a \\x7c b \\x7c c\\\\x7c d`");
  assert.equal(code("a\u202eb"), "`a\\u202eb`");
  assert.equal(
    plain("<b>@me</b> #1 [x](https://e.vil) www.e.vil\n::x::"),
    "\\<b\\>@&#8203;me\\</b\\> #&#8203;1 \\[x\\]\\(https:&#8203;//e.vil\\) www&#8203;.e.vil ::x::",
  );
  assert.equal(html('</code></summary>\n"&'), "&lt;/code&gt;&lt;/summary&gt; &quot;&amp;");
  const text = formatPlanMarkdown(planOf([{ name: "1_</code></details>|`@me.sql" }]));
  assert.equal(text.match(/^<\/details>$/gm)?.length, 1);
  assert.match(text, /\| 1 \| ``1_<\/code><\/details>\\x7c`@me\.sql`` \| /);
});
