/** Which files of a folder are migrations. Pure: it is given the names. @module */

import { MigrationFileError } from "../errors.ts";
import { comparisonBy, isNumbered, numberKey, type OrderBy } from "./order.ts";
import { isUndoFolder, readUndoName, type UndoName } from "./undo_names.ts";

/** What a folder's files are. */
export interface Discovery {
  /** The migrations in order, each with its rollback file where there is one. */
  readonly migrations: readonly { readonly name: string; readonly downFile: string | null }[];
  /** What is no migration, and why, in order of names. */
  readonly leftOut: readonly LeftOut[];
  /** Files of which nobody can tell what they undo. */
  readonly refusals: readonly MigrationFileError[];
}

/** A file or folder that is no migration. */
export interface LeftOut {
  /** Its name. */
  readonly name: string;
  /** Why it is none. */
  readonly reason: string;
  /** Somebody could have meant it for a migration. */
  readonly notable: boolean;
}

/**
 * How a folder is laid out: `supabase` as the Supabase CLI reads `supabase/migrations`, that is
 * `<digits>_name.sql` alone, in the order of the names; `plain` in the order of the numbers, files
 * without a number last.
 */
export type Layout = "plain" | "supabase";

/** How {@linkcode discoverMigrations} reads a folder. */
export interface DiscoveryOptions {
  /** How it is laid out. `"plain"` by default. */
  readonly layout?: Layout;
  /** The order; the layout's by default. */
  readonly order?: OrderBy;
}

/** What the Supabase CLI takes for a migration. */
const SUPABASE_NAME = /^\d+_.*\.sql$/;
/** The first file of projects from before the 9th of December 2021, which the CLI skips. */
const SUPABASE_INIT = /^(\d{14})_init\.sql$/;

/** What editors, file managers and merges leave beside a file; the first group is its name. */
const COPIES = [
  /^(.+?) copy(?: \d+)?$/i,
  /^(.+?) ?\(\d+\)$/,
  /^(.+?) - copy(?: ?\(\d+\))?$/i,
  /^copy of (.+)$/i,
  /^(.+?) \(.*conflicted copy.*\)$/i,
  /^(.+?)\.(?:bak|backup|orig|old|rej|tmp|save)$/i,
  /^(.+?)[._](?:BASE|LOCAL|REMOTE|BACKUP)[._]\d+$/,
  /^(.+?)~$/,
];

/**
 * The order of a folder that is laid out in a way.
 *
 * @param options The layout, and the order where somebody has chosen it.
 */
export function orderOf({ layout = "plain", order }: DiscoveryOptions): OrderBy {
  return order ?? (layout === "supabase" ? "name" : "number");
}

/**
 * Sorts out a folder: migrations are files that end in `.sql`, do not start with `COMBINED_`
 * and do not have `deprecated` in their name. What undoes one may stand beside it (`X.down.sql`,
 * `X_rollback.sql`, `U1__x.sql`, …) or in a folder such as `rollback/`.
 *
 * @param files The names of the files; those in a folder for undo files begin with its name.
 * @param folders The names of the subfolders.
 * @param options The folder's layout and order.
 * @returns The migrations in order, and what was left out.
 */
export function discoverMigrations(
  files: readonly string[],
  folders: readonly string[] = [],
  options: DiscoveryOptions = {},
): Discovery {
  const { layout = "plain" } = options;
  const leftOut: LeftOut[] = folders.filter((name) => !isUndoFolder(name)).map(describeFolder);
  const names = new Set(files.map(toKey));
  const undoFiles: (UndoName & { name: string })[] = [];
  let candidates: string[] = [];
  for (const name of new Set(files)) {
    const without = whyLeftOut(name, names);
    if (without !== null) {
      leftOut.push({ name, ...without });
      continue;
    }
    const undo = readUndoName(name);
    if (undo === null) candidates.push(name);
    else undoFiles.push({ name, ...undo });
  }

  const downFiles = new Map<string, string>();
  const refusals: MigrationFileError[] = [];
  const refuse = (message: string, file: string, hint: string) =>
    refusals.push(new MigrationFileError(message, { file }, { hint }));
  const isFlyway = candidates.some((name) => /^V\d/i.test(name));
  const owned = new Owners(undoFiles.length === 0 ? [] : candidates);
  for (const undo of undoFiles) {
    const owners = owned.find(undo);
    if (owners.length === 1) {
      const [owner] = owners as readonly [string];
      const other = downFiles.get(owner);
      if (other === undefined) {
        downFiles.set(owner, undo.name);
      } else {
        refuse(
          `The migration has two rollbacks: "${other}" and "${undo.name}"`,
          owner,
          "Keep one of them.",
        );
      }
    } else if (owners.length > 1) {
      refuse(
        `"${undo.name}" could undo ${owners.map((name) => `"${name}"`).join(" or ")}`,
        undo.name,
        "Call it as the migration that it undoes, with .down.sql in place of .sql.",
      );
    } else if (undo.certainty === "by its owner alone") {
      candidates.push(undo.name);
      owned.add(undo.name);
    } else if (undo.certainty === "by its form" && isNumbered(undo.name)) {
      refuse(
        `"${undo.name}" is called as what undoes "${undo.base}.sql", which is not there`,
        undo.name,
        "Call it as the migration that it undoes, with .down.sql in place of .sql; or give " +
          "it another name, if it is to be applied.",
      );
    } else {
      const reason = undo.base === ""
        ? "is called as what undoes a migration"
        : `undoes ${undo.base}.sql, which is not there`;
      leftOut.push({ name: undo.name, reason, notable: true });
    }
  }

  const compare = comparisonBy(orderOf(options));
  candidates.sort(compare);
  candidates = candidates.filter((name, index) => {
    if (downFiles.has(name)) return true;
    const reason = layout === "supabase"
      ? whyNotForSupabase(name, index)
      : isFlyway && /^B\d+(?:[._]\d+)*__/.test(name)
      ? "a baseline of Flyway's, which stands for the migrations before it"
      : null;
    if (reason !== null) leftOut.push({ name, reason, notable: true });
    return reason === null;
  });
  return {
    migrations: candidates.map((name) => ({ name, downFile: downFiles.get(name) ?? null })),
    leftOut: leftOut.sort((a, b) => a.name < b.name ? -1 : 1),
    refusals,
  };
}

function isOneName(names: readonly string[]): boolean {
  return new Set(names.map(toKey)).size === 1;
}

/** File systems tell names apart in different ways: case and composition do not count. */
function toKey(name: string): string {
  return name.normalize("NFC").toLowerCase();
}

function describeFolder(name: string): LeftOut {
  const notable = !name.startsWith(".") && (/^\d/.test(name) || /\.sql$/i.test(name));
  return {
    name: `${name}/`,
    reason: notable ? "a folder, and migrations are files" : "a folder",
    notable,
  };
}

function whyLeftOut(
  name: string,
  names: ReadonlySet<string>,
): Pick<LeftOut, "reason" | "notable"> | null {
  if (name.startsWith(".")) return { reason: "hidden", notable: false };
  if (!name.endsWith(".sql")) {
    if (/\.sql$/i.test(name)) {
      return { reason: `ends in ${name.slice(-4)} and not in .sql`, notable: true };
    }
    return {
      reason: "does not end in .sql",
      notable:
        /^[vur]?\d+[\w.-]*\.(?:[jt]s|[cm][jt]s|py|rb|go|php|p(?:g|l)?sql|ddl|xml|ya?ml|fizz)$/i
          .test(name),
    };
  }
  if (name.startsWith("COMBINED_")) return { reason: "starts with COMBINED_", notable: false };
  if (name.includes("deprecated")) {
    return { reason: 'has "deprecated" in its name', notable: true };
  }
  const stem = name.slice(0, -".sql".length);
  for (const copy of COPIES) {
    const original = copy.exec(stem)?.[1];
    if (original !== undefined && names.has(toKey(`${original}.sql`))) {
      return { reason: `a copy of ${original}.sql`, notable: true };
    }
  }
  return null;
}

function whyNotForSupabase(name: string, index: number): string | null {
  if (!SUPABASE_NAME.test(name)) {
    return "is not called <digits>_name.sql, and the Supabase CLI leaves it out too";
  }
  const date = index === 0 ? SUPABASE_INIT.exec(name)?.[1] : undefined;
  return date !== undefined && date < "20211209000000"
    ? "is the init of an older Supabase CLI, which leaves it out too"
    : null;
}

/** What may be undone by a file, found by its name or its number. */
class Owners {
  readonly #byKey = new Map<string, string[]>();
  readonly #byNumber = new Map<string, string[]>();

  constructor(names: readonly string[]) {
    for (const name of names) this.add(name);
  }

  add(name: string): void {
    append(this.#byKey, toKey(name), name);
    const number = numberKey(name);
    if (number !== undefined) append(this.#byNumber, number, name);
  }

  find({ base, version, name }: UndoName & { name: string }): readonly string[] {
    if (version !== null) {
      return this.#numbered(`V${version}__`).filter((other) => /^V/i.test(other));
    }
    const alike = ["", ".up", ".do", "_up", "-up", ".up.tx"]
      .flatMap((end) => this.#called(`${base}${end}.sql`));
    // Where two names differ in case or composition alone, the same writing decides.
    const called = alike.length > 1 && alike.includes(`${base}.sql`) && isOneName(alike)
      ? [`${base}.sql`]
      : alike;
    if (called.length > 0 || base === "") return called;
    const [, number, rest] = /^(\d+)(.*)$/s.exec(base) ?? [];
    if (number === undefined) return [];
    const asDo = this.#called(`${number}.do${rest}.sql`);
    if (asDo.length > 0) return asDo;
    // A number alone says enough, and in a folder of its own it does with any name.
    return rest === "" || name.includes("/") ? this.#numbered(`${number}_`) : [];
  }

  #called(name: string): readonly string[] {
    return this.#byKey.get(toKey(name)) ?? [];
  }

  #numbered(name: string): readonly string[] {
    return this.#byNumber.get(numberKey(name)!) ?? [];
  }
}

function append(lists: Map<string, string[]>, key: string, name: string): void {
  const list = lists.get(key);
  if (list === undefined) lists.set(key, [name]);
  else list.push(name);
}
