import assert from "node:assert/strict";
import { type Span, trace } from "@opentelemetry/api";
import { createMigrator } from "../mod.ts";

Deno.test("a run, its migrations and their steps are spans, where somebody takes them, without SQL", async () => {
  const spans: Record<string, unknown>[] = [];
  const startSpan = (name: string, { attributes = {} }: { attributes?: object } = {}) => {
    const noted: Record<string, unknown> = { name, ...attributes };
    spans.push(noted);
    return {
      setStatus: ({ code }: { code: number }) => noted.status = code,
      setAttribute: (key: string, value: unknown) => noted[key] = value,
      end: () => noted.ended = true,
    } as unknown as Span;
  };
  trace.setGlobalTracerProvider({
    getTracer: () =>
      ({
        startSpan,
        startActiveSpan: (name: string, options: object, work: (span: Span) => unknown) =>
          work(startSpan(name, options)),
        // deno-lint-ignore no-explicit-any -- of several signatures the one that is used
      }) as any,
  });
  try {
    await using migrator = createMigrator({
      embedded: true,
      migrations: {
        "1_steps.sql": "create table a ();\n-- supamigrate: commit\ncreate table b ();",
        "2_fails.sql": "select 'secret' / 0;",
      },
    });
    await migrator.migrate();
  } finally {
    trace.disable();
  }
  const project = {
    "supamigrate.project": "in memory",
    "supamigrate.project.kind": "embedded",
  };
  const step = (number: number) => ({
    name: "supamigrate step",
    "supamigrate.migration": "1_steps.sql",
    "supamigrate.step": number,
    "supamigrate.steps": 2,
    ended: true,
  });
  const migration = (name: string) => ({
    name: "supamigrate migration",
    "supamigrate.migration": name,
    "supamigrate.action": "apply",
    ended: true,
  });
  const failed = { status: 2, "error.type": "22P02" };
  assert.deepEqual(spans, [
    {
      name: "supamigrate migrate",
      ...project,
      "supamigrate.batch": 1,
      "supamigrate.migrations": 2,
      ...failed,
      ended: true,
    },
    step(1),
    step(2),
    migration("1_steps.sql"),
    { ...migration("2_fails.sql"), ...failed, "error.type": "failed" },
  ]);
});
