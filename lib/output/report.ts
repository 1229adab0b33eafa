/** What `report` and `status --diagram` do and print. @module */

import { ConfigurationError } from "../errors.ts";
import { drawNeighbourhood, findTable } from "./neighbourhood.ts";
import { readReplaced, replaceFile } from "../replace_file.ts";
import { count } from "../report/parts.ts";
import type { Flag, GlobalFlags, Report, Run } from "./actions.ts";
import { line } from "./neutral.ts";
import type { JsonDocuments } from "./json_documents.ts";

/** The flags of `report`. */
export interface ReportFlags extends GlobalFlags {
  out: string;
  open?: Flag;
  drift?: Flag;
}

/** What a page of ours has, and no other file. */
const OURS = '<meta name="generator" content="supamigrate">';

/** What `report` does. */
export async function report(
  { migrator, reporter }: Run,
  flags: ReportFlags,
): Promise<Report<JsonDocuments["report"]>> {
  const { out, open } = flags;
  await refuseToOverwrite(out);
  reporter.say("🖼️  Making a page of the project...\n");
  const { html, data } = await migrator.report({
    drift: !!flags.drift,
    shadow: flags.shadow !== false,
    redact: (text) => reporter.redact(text),
  });
  const { pathToFileURL } = await import("node:url");
  await replaceFile(out, html, "Name another file with --out.");
  if (open) await show(out);
  const { state, migrations, schema, lint, doctor, drift } = data;
  const bytes = new TextEncoder().encode(html).length;
  const unknown = [["files", lint], ["installation", doctor]].flatMap(([what, part]) =>
    typeof part === "object" && !part.known ? [line`⚠️  ${what}: ${part.reason}`] : []
  );
  const lines = [
    ...unknown,
    line`✅ Wrote ${out}: ${count(migrations.length, "migration")}, ${
      count(schema.tables.length, "table or view", "tables and views")
    }`,
    ...(open ? [] : [line`💡 Look at it: ${pathToFileURL(out).href}`]),
  ];
  return {
    result: {
      success: true,
      path: out,
      bytes,
      upToDate: state.upToDate,
      pending: migrations.filter(({ state }) => state === "pending").length,
      tables: schema.tables.length,
      drift: drift.known ? drift.value.length : null,
    },
    text: lines.join("\n"),
  };
}

/** Shows a table with what it has to do with others. */
export async function showTable(
  { migrator, reporter }: Run,
  name: string,
): Promise<Report<JsonDocuments["status"]>> {
  const { tables } = await migrator.tables();
  const [table, ...others] = findTable(tables, name);
  if (table === undefined) {
    throw new ConfigurationError(`There is no table "${name}"`, {
      hint: tables.length === 0
        ? "There are no tables yet."
        : `There are: ${tables.map(({ id }) => id.replace(/^public\./, "")).join(", ")}.`,
    });
  }
  if (others.length > 0) {
    throw new ConfigurationError(`There are several tables "${name}"`, {
      hint: `Name it with its schema: ${[table, ...others].map(({ id }) => id).join(", ")}.`,
    });
  }
  return {
    result: {
      ...table,
      referredBy: tables.flatMap(({ id, references }) =>
        references.filter(({ target }) => target === table.id)
          .map(({ target: _, ...key }) => ({ table: id, ...key }))
      ),
    },
    text: drawNeighbourhood(table, tables, reporter.screen).join("\n"),
  };
}

async function refuseToOverwrite(path: string): Promise<void> {
  const text = await readReplaced(path, "Name another file with --out.");
  if (text === undefined || text.slice(0, 1000).includes(OURS)) return;
  throw new ConfigurationError(`"${path}" is there, and no page of supamigrate's`, {
    hint: "Name another file with --out, or move that one away.",
  });
}

/** What shows a file with the program that is for it. */
const OPENERS: Readonly<Partial<Record<NodeJS.Platform, string>>> = {
  darwin: "open",
  win32: "explorer",
};

/** For how long it is seen whether that fails. */
const SHOWN_AFTER_MS = 3000;

async function show(path: string): Promise<void> {
  const { spawn } = await import("node:child_process");
  const { resolve } = await import("node:path");
  const { pathToFileURL } = await import("node:url");
  const { platform } = await import("node:process");
  const opener = OPENERS[platform] ?? "xdg-open";
  const child = spawn(opener, [resolve(path)], { stdio: "ignore", detached: true });
  let timer: ReturnType<typeof setTimeout> | undefined;
  const trouble = await new Promise<string | undefined>((end) => {
    child.once("error", ({ message }) => end(`does not start: ${message}`));
    // On Windows it ends with 1 where all is well.
    child.once(
      "exit",
      (code) =>
        end(code === 0 || platform === "win32" ? undefined : `ends with ${code ?? "a signal"}`),
    );
    // What goes on is the browser itself.
    timer = setTimeout(() => end(undefined), SHOWN_AFTER_MS);
  });
  clearTimeout(timer);
  child.unref();
  if (trouble === undefined) return;
  throw new ConfigurationError(`Wrote "${path}", and cannot show it: ${opener} ${trouble}`, {
    hint: `Open it in a browser: ${pathToFileURL(path).href}`,
  });
}
