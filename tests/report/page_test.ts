import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { instance } from "@viz-js/viz";
import { renderPage } from "../../lib/report/page.ts";
import type { ReportData } from "../../mod.ts";
import { manyTables, reference, reportOf, table } from "./fixture.ts";

/** What a browser must not take for anything else than text. */
const HOSTILE = [
  "</script><script>alert(1)</script>",
  "<!--<script>",
  '" onload="alert(1)',
  "'><img src=x onerror=alert(1)>",
  "\u202eevil\u2028\u0000&amp;",
];

function fill<Value>(value: Value, text: string): Value {
  if (typeof value === "string") return text as Value;
  if (Array.isArray(value)) return value.map((item) => fill(item, text)) as Value;
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, FIXED.has(key) ? item : fill(item, text)]),
  ) as Value;
}

/** What decides how something is shown, or is a time. */
const FIXED = new Set([
  "madeAt",
  "kind",
  "state",
  "change",
  "level",
  "result",
  "loggedAt",
  "executedAt",
]);

/** Data that has something of everything. */
function makeEverything(): ReportData {
  const authors = table("authors", {
    comment: "Who writes",
    columns: [{ name: "id", type: "uuid", default: "x", generated: "y", comment: "z" }],
    constraints: [{ name: "a", kind: "check", columns: ["id"], definition: "CHECK (true)" }],
    indexes: [{ name: "b", definition: "CREATE INDEX b ON public.authors (id)", valid: false }],
    triggers: [{ name: "c", definition: "CREATE TRIGGER c", enabled: false }],
    policies: [{
      name: "d",
      command: "all",
      permissive: false,
      roles: ["public"],
      using: "true",
      check: "true",
    }],
    grants: [{ grantee: "anon", privileges: ["select"], columns: ["id"] }],
    access: { anon: "s" },
  });
  const entry = {
    id: 1,
    loggedAt: "2026-01-02T03:04:05+00:00",
    action: "apply",
    migration: "001_a.sql",
    batch: 1,
    result: "failed" as const,
    executionTimeMs: 12,
    actor: "ada",
    toolVersion: "1.2.3",
    message: "no",
  };
  return reportOf([
    authors,
    table("books", { references: [reference("author_id", "authors")] }),
    table("all", { kind: "view", definition: "select 1" }),
  ], {
    state: {
      upToDate: false,
      totalFiles: 1,
      executed: 0,
      lastBatch: 0,
      lock: { holder: "ada", ageMs: 1 },
      running: "001_a.sql",
      warnings: ["something"],
    },
    migrations: [{
      name: "001_a.sql",
      state: "pending",
      reason: "failed_previously",
      batch: 1,
      executedAt: "2026-01-02T03:04:05+00:00",
      executionTimeMs: 12,
      error: { code: "42P01", message: "no", detail: "d", hint: "h", line: 3 },
      sql: { text: "create table authors ();", line: 1 },
      rollback: { text: "drop table authors;", line: 5, file: "001_a.sql" },
      plan: {
        statements: 1,
        steps: [{ statements: 1, outside: "VACUUM" }],
        stepsDone: 0,
        destroys: [{ line: 1, what: "drops the table" }],
        notices: ["take care"],
      },
      tables: [{ id: "public.authors", made: true }],
    }],
    log: [entry, { ...entry, id: 2, action: "unlock", migration: null }],
    lint: {
      known: true,
      value: [{
        code: "c",
        level: "warn",
        file: "001_a.sql",
        line: 1,
        message: "m",
        reason: "r",
        remedy: "e",
      }],
    },
    doctor: {
      known: true,
      value: [{
        check: "c",
        problem: "p",
        why: "w",
        mend: { advice: "a", sql: "s", command: "supamigrate install" },
      }],
    },
    drift: {
      known: true,
      value: [{ change: "added", kind: "table", name: "x", details: ["d"] }],
    },
    changes: {
      known: true,
      value: [{ id: "public.authors", change: "changed", details: ["+ column x"] }],
    },
    locks: {
      known: true,
      value: [{
        migration: "001_a.sql",
        line: 1,
        sql: "alter table authors",
        blocks: "reading and writing",
        held: "seconds",
        locks: [{ table: "public.authors", lock: "ACCESS EXCLUSIVE" }],
      }],
    },
  });
}

Deno.test("a page runs nothing that stands in the database, the files or the log", async () => {
  const viz = await instance();
  const plain = await renderPage(makeEverything(), viz);
  const tags = (page: string) =>
    page.replace(/<(script|style)>[^]*?<\/\1>/g, "<$1>").match(/<[a-z!/][^\s>]*/gi) ?? [];
  for (const text of HOSTILE) {
    const page = await renderPage(fill(makeEverything(), text), viz);
    const own = new Set(tags(plain));
    assert.deepEqual(tags(page).filter((tag) => !own.has(tag)), [], text);
    assert.equal(tags(page).filter((tag) => tag === "<script").length, 1);
    const withoutValues = page.replace(/<(script|style)>[^]*?<\/\1>/g, "").replace(/"[^"]*"/g, "");
    assert.doesNotMatch(withoutValues, /<[^>]*\son\w+=/);
    for (const character of "\u202e\u2028\0") assert.ok(!page.includes(character), text);
  }
});

Deno.test("a page's policy allows its own script and style alone", async () => {
  const page = await renderPage(makeEverything(), await instance());
  const policy = /http-equiv="Content-Security-Policy" content="([^"]*)"/.exec(page)![1]!;
  const hashOf = (text: string) => `'sha256-${createHash("sha256").update(text).digest("base64")}'`;
  const [style, ...otherStyles] = [...page.matchAll(/<style>([^]*?)<\/style>/g)];
  const [script, ...otherScripts] = [...page.matchAll(/<script>([^]*?)<\/script>/g)];
  assert.deepEqual([...otherStyles, ...otherScripts], []);
  assert.deepEqual(policy.split("; "), [
    "default-src 'none'",
    `style-src ${hashOf(style![1]!)}`,
    `script-src ${hashOf(script![1]!)}`,
    "base-uri 'none'",
    "form-action 'none'",
  ]);
  assert.doesNotMatch(page, /\s(?:src|style)="|@import|url\((?!#)/);
  assert.doesNotMatch(page, /href="(?!#)/);
});

Deno.test("every link of a page leads somewhere in it", async () => {
  const page = await renderPage(makeEverything(), await instance());
  const ids = new Set([...page.matchAll(/\sid="([^"]+)"/g)].map(([, id]) => id));
  const links = [...page.matchAll(/href="#([^"]+)"/g)].map(([, id]) => id);
  assert.ok(links.length > 10);
  assert.deepEqual(links.filter((id) => !ids.has(id)), []);
});

Deno.test("a page says of each role what grants and policies let it do", async () => {
  const policy = {
    name: "Members",
    command: "select" as const,
    permissive: true,
    roles: ["authenticated"],
    using: "true",
    check: null,
  };
  const access = { anon: "S", authenticated: "SiD", service_role: "SIUD" };
  const page = await renderPage(
    reportOf([
      table("closed", { policies: [policy], access }),
      table("open", { rls: false, access }),
    ]),
    await instance(),
  );
  const rowOf = (name: string) => {
    const row = new RegExp(`<th scope="row"><a href="#table/public.${name}">([^]*?)(?=<tr|</table)`)
      .exec(page)![1]!;
    return [...row.matchAll(/<td([^>]*)>([^<]*)/g)].map(([, attributes, sign]) =>
      `${/class="(\w+)/.exec(attributes!)?.[1] ?? ""} ${sign}`.replace("group", "").trim()
    ).join(" | ");
  };
  assert.equal(
    rowOf("closed"),
    "blocked 0 | – | – | – | some 1 | blocked 0* | – | blocked 0 | free all | free all | free all | free all",
  );
  assert.equal(
    rowOf("open"),
    "all all | – | – | – | all all | all all* | – | all all | free all | free all | free all | free all",
  );
  assert.match(page, /title="Members"/);
});

Deno.test("a page of 400 tables takes five seconds and two megabytes at most", async () => {
  const data = reportOf(manyTables(400));
  const viz = await instance();
  const before = performance.now();
  const page = await renderPage(data, viz);
  const ms = performance.now() - before;
  assert.ok(page.length < 2_000_000, `${page.length} bytes`);
  assert.ok(ms < 5_000, `${ms} ms`);
});
