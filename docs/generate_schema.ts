/**
 * Writes `docs/schema.md` and its diagrams from a database that the migrations were applied to, so that it says
 * what is there and not what was meant. With `--check` it writes nothing and fails where a file is
 * not what it would write.
 *
 * @module
 */

import { createClient } from "@supabase/supabase-js";
import { instance } from "@viz-js/viz";
import { openForMigrations } from "../lib/embedded/migrations.ts";
import { findHubs } from "../lib/report/diagram.ts";
import { drawImage } from "../lib/report/image.ts";
import { createMigrator, type ReportTable } from "../mod.ts";
import schemaSql from "./schema.sql" with { type: "text" };

interface Column {
  readonly name: string;
  readonly type: string;
  readonly note: string;
  readonly comment: string | null;
}

interface Reference {
  readonly columns: readonly string[];
  readonly target: string;
  readonly optional: boolean;
  readonly unique: boolean;
  readonly onDelete: string;
}

interface Table {
  readonly area: string;
  readonly name: string;
  readonly comment: string;
  readonly key: readonly string[];
  readonly columns: readonly Column[];
  readonly references: readonly Reference[];
}

interface Described {
  readonly name: string;
  readonly detail: string;
  readonly comment: string | null;
}

interface Schema {
  readonly tables: readonly Table[];
  readonly domains: readonly Described[];
  readonly enums: readonly Described[];
  readonly functions: readonly Described[];
}

const folder = new URL("./", import.meta.url);

if (import.meta.main) {
  const { schema, tables } = await readSchema();
  const wanted = new Map([
    ["schema.md", await format(write(schema))],
    ...await drawAreas(schema, tables),
  ]);
  for (const [name, text] of wanted) {
    const file = new URL(name, folder);
    if (!Deno.args.includes("--check")) {
      await Deno.writeTextFile(file, text);
    } else if (await Deno.readTextFile(file).catch(() => "") !== text) {
      console.error(`docs/${name} does not say what the migrations make: generate it anew`);
      Deno.exit(1);
    }
  }
}

/** Applies the migrations to an embedded database in memory and reads what they made. */
async function readSchema(): Promise<{ schema: Schema; tables: readonly ReportTable[] }> {
  const database = await openForMigrations();
  try {
    const client = createClient(database.url, database.serviceKey, {
      global: { fetch: database.fetch },
      auth: { persistSession: false, autoRefreshToken: false },
    });
    const migrations = new URL("../migrations", import.meta.url).pathname;
    await using migrator = createMigrator({ client, migrations });
    const { success, results } = await migrator.migrate();
    if (!success) throw new Error(results.find(({ error }) => error)?.error?.message);
    const [row] = await database.query(schemaSql);
    return { schema: row?.schema as Schema, tables: (await migrator.tables()).tables };
  } finally {
    await database.close();
  }
}

function write({ tables, domains, enums, functions }: Schema): string {
  const areas = [...new Set(tables.map(({ area }) => area))];
  return [
    "# Schema of the celebrity-booking platform",
    "Generated from the database that the migrations make; do not edit. Every table has row level" +
    " security; times are `timestamptz`, keys `uuid` or identity columns, money `minor_units` next" +
    " to a currency.",
    ...areas.map((area) => writeArea(area, tables.filter((table) => table.area === area))),
    "## Domains",
    writeList(domains),
    "## Enums",
    writeList(enums),
    "## Functions of the API",
    "For signed-in users, as `POST /rest/v1/rpc/<function>`; each checks who calls.",
    writeList(functions),
  ].join("\n\n") + "\n";
}

function writeArea(area: string, tables: readonly Table[]): string {
  return [
    `## ${area}`,
    `${tables.length} ${tables.length === 1 ? "table" : "tables"}.`,
    ["| Table | |", "| --- | --- |"].concat(
      tables.map(({ name, comment }) => `| [\`${name}\`](#${name}) | ${cell(comment)} |`),
    ).join("\n"),
    `![${area}: tables and their foreign keys](${imageOf(area)})`,
    ...tables.map(writeTable),
  ].join("\n\n");
}

/** The diagrams of all areas, by the names of their files. */
async function drawAreas(
  { tables: known }: Schema,
  tables: readonly ReportTable[],
): Promise<[string, string][]> {
  const viz = await instance();
  const hubs = findHubs(tables);
  return [...Map.groupBy(known, ({ area }) => area)].map(([area, of]) => {
    const names = new Set(of.map(({ name }) => name));
    const own = tables.filter(({ schema, name }) => schema === "public" && names.has(name));
    return [imageOf(area), drawImage(viz, own, hubs)];
  });
}

function imageOf(area: string): string {
  return `schema_${area.toLowerCase().replace(/[^a-z]+/g, "_")}.svg`;
}

function writeTable({ name, comment, key, columns, references }: Table): string {
  const targets = new Map(
    references.flatMap(({ columns, target, onDelete }) =>
      columns.length === 1
        ? [[columns[0], `→ \`${target}\`${onDelete === "" ? "" : `, ${onDelete}`}`] as const]
        : []
    ),
  );
  const composite = references.filter(({ columns }) => columns.length > 1);
  return [
    `### ${name}`,
    `${comment}.`,
    ["| Column | Type | |", "| --- | --- | --- |"].concat(
      columns.map((column) => {
        const mark = key.includes(column.name) ? "**key**" : "";
        const notes = [mark, column.note, targets.get(column.name), column.comment];
        return `| \`${column.name}\` | ${column.type} | ${
          cell(notes.filter((note) => note).join("; "))
        } |`;
      }),
    ).join("\n"),
    ...composite.map(({ columns, target, onDelete }) =>
      `\`(${columns.join(", ")})\` → \`${target}\`${onDelete === "" ? "" : `, ${onDelete}`}`
    ),
  ].join("\n\n");
}

function writeList(all: readonly Described[]): string {
  return all.map(({ name, detail, comment }) =>
    `- \`${name}\`: ${
      comment === null ? detail : `${comment}${detail === "" ? "" : ` (${detail})`}`
    }`
  ).join("\n");
}

function cell(text: string): string {
  return text.replaceAll("|", "\\|").replaceAll("\n", " ");
}

async function format(markdown: string): Promise<string> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["fmt", "--ext=md", "-"],
    cwd: new URL("..", import.meta.url),
    stdin: "piped",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const [{ stdout }] = await Promise.all([
    child.output(),
    new Response(markdown).body!.pipeTo(child.stdin),
  ]);
  return new TextDecoder().decode(stdout);
}
