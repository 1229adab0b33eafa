/**
 * Negative controls: copies of the tool with one flaw each. A rig that does not catch them would
 * not catch a flaw of ours either. `deno task chaos:controls` shows after how many rounds each
 * was caught.
 *
 * @module
 */

import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { runChaos } from "./run.ts";
import type { Via } from "./ways.ts";

/** One passage of the code and what stands there in its stead. */
interface Change {
  readonly file: string;
  readonly from: string;
  readonly to: string;
}

/** The flaws by name. */
export const CONTROLS: Readonly<Record<string, readonly Change[]>> = {
  "without FOR UPDATE": [{
    file: "sql/lock.sql",
    from: "select * into held from supamigrate.migration_lock where id = 1 for update;",
    to: "select * into held from supamigrate.migration_lock where id = 1;",
  }],

  "without the sequence check": [{
    file: "sql/lock.sql",
    from:
      "if held.sequence <> (call->>'sequence')::bigint then\n    return jsonb_build_object('status', 'stale'",
    to: "if false then\n    return jsonb_build_object('status', 'stale'",
  }],

  "with the client's clock": [{
    file: "sql/lock.sql",
    from: "if held.is_locked and held.expires_at > clock_timestamp() then",
    to: "if held.is_locked and held.expires_at > (call->>'now')::timestamptz then",
  }, {
    file: "lib/database/session.ts",
    from: "lease_ms: tenure.leaseMs,",
    to: "lease_ms: tenure.leaseMs, now: new Date().toISOString(),",
  }],

  "with the history in a second call": [{
    file: "sql/run.sql",
    from: "perform supamigrate.record_applied(call, migration, duration);",
    to: "null;",
  }, {
    file: "sql/lock.sql",
    from: "when 'release'  then supamigrate.leave_schema(call, held)",
    to: `when 'record'   then (
      select jsonb_build_object('recorded', count(
        (supamigrate.record_applied(call, migration, 0))::text))
        from jsonb_array_elements(call->'migrations') migration)
    when 'release'  then supamigrate.leave_schema(call, held)`,
  }, {
    file: "lib/operations/apply.ts",
    from: "    const failed = done < results.length;\n",
    to: `    await session.perform("record", { migrations: sent.slice(0, done) });
    const failed = done < results.length;
`,
  }],

  "with a new operation id on retry": [{
    file: "lib/database/session.ts",
    from: "    const operation = crypto.randomUUID();\n    let carried",
    to: "    let operation: string = crypto.randomUUID();\n    let carried",
  }, {
    file: "lib/database/session.ts",
    from: "        problem = error;\n      }\n",
    to: "        problem = error;\n      }\n      operation = crypto.randomUUID();\n",
  }],

  "without the revoke from anon": [{
    file: "sql/exec_sql.sql",
    from: "revoke all on function public.exec_sql(text, jsonb) from public, anon, authenticated;",
    to: "revoke all on function public.exec_sql(text, jsonb) from public;",
  }, {
    // The tool itself would refuse to work: it looks at the door in every command.
    file: "sql/door.sql",
    from: "where p.proname = 'exec_sql'\n",
    to: "where false and p.proname = 'exec_sql'\n",
  }],

  "with copies dropped that are not back": [{
    file: "sql/put_back.sql",
    from: "if result->>'reason' is null then",
    to: "if true then",
  }],

  "with copies put back in the order in which they were made": [{
    file: "sql/put_back.sql",
    from: "select array_agg(c order by c.id desc) into copies",
    to: "select array_agg(c order by c.id) into copies",
  }],

  "with copies dropped without a word in the log": [{
    file: "sql/list_copies.sql",
    from: "perform supamigrate.write_log(call, 'drop copies', 'ok',",
    to: "perform supamigrate.write_log(call, 'drop', 'ok',",
  }],
};

/** Those that another way than the API has to show. */
export const WAYS: Readonly<Record<string, Via>> = {
  "with copies dropped that are not back": "copies",
  "with copies put back in the order in which they were made": "copies",
  "with copies dropped without a word in the log": "copies",
};

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

/**
 * Makes a copy of the tool with a flaw.
 *
 * @param name Which one of {@linkcode CONTROLS}.
 * @param folder Where to put it.
 * @throws {Error} The code has changed, so that the flaw has no place in it any more.
 */
export async function buildControl(name: string, folder: string): Promise<void> {
  for (const part of ["cli.ts", "mod.ts", "deno.json", "deno.lock", "lib", "links", "sql"]) {
    const { success } = await new Deno.Command("cp", { args: ["-R", join(ROOT, part), folder] })
      .output();
    if (!success) throw new Error(`Cannot copy ${part}`);
  }
  for (const { file, from, to } of CONTROLS[name] ?? []) {
    const path = join(folder, file);
    const text = await Deno.readTextFile(path);
    if (text.split(from).length !== 2) {
      throw new Error(`"${name}" has no place in ${file} any more: ${from}`);
    }
    await Deno.writeTextFile(path, text.replace(from, () => to));
  }
}

/** What became of a control. */
export interface ControlResult {
  /** After how many rounds it was caught, or null where it was not. */
  readonly caughtAfter: number | null;
  /** What it violated in the round that caught it. */
  readonly invariants: readonly string[];
}

/**
 * Plays rounds with a flawed copy until it is caught.
 *
 * @param name Which one of {@linkcode CONTROLS}.
 * @param options The seed, the first round, how many at most, and how many lanes beside each other.
 */
export async function tryControl(
  name: string,
  { seed, first = 0, most, lanes }: { seed: number; first?: number; most: number; lanes: number },
): Promise<ControlResult> {
  const build = await Deno.makeTempDir({ prefix: "supamigrate-control-" });
  try {
    await buildControl(name, build);
    const { rounds, violations } = await runChaos({
      seed,
      rounds: Array.from({ length: most }, (_, index) => first + index),
      lanes,
      build,
      via: WAYS[name] ?? "api",
      stopAtViolation: true,
    });
    return {
      caughtAfter: violations.length > 0 ? rounds : null,
      invariants: [...new Set(violations.map(({ invariant }) => invariant))],
    };
  } finally {
    await Deno.remove(build, { recursive: true });
  }
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      seed: { type: "string", default: "1" },
      rounds: { type: "string", default: "1000" },
      lanes: { type: "string", default: "4" },
      only: { type: "string" },
    },
  });
  console.log("| Flaw | Rounds until it was caught | What it violated |\n| --- | ---: | --- |");
  let missed = false;
  for (const name of Object.keys(CONTROLS)) {
    if (values.only !== undefined && !name.includes(values.only)) continue;
    const { caughtAfter, invariants } = await tryControl(name, {
      seed: Number(values.seed),
      most: Number(values.rounds),
      lanes: Number(values.lanes),
    });
    missed ||= caughtAfter === null;
    console.log(`| ${name} | ${caughtAfter ?? "not caught"} | ${invariants.join("; ")} |`);
  }
  Deno.exit(missed ? 1 : 0);
}
