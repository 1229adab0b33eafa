/** How migrations stand in the Supabase CLI's ledger: under a version, which is the number alone. @module */

/** What can be said of the ledger. */
export const LEDGER_MODES = ["supabase", "none"] as const;

/** Whether the ledger is made where there is none yet, or left alone. */
export type LedgerMode = typeof LEDGER_MODES[number];

/** A migration as the Supabase CLI knows it. */
export interface LedgerVersion {
  /** The digits that its file's name begins with. */
  readonly version: string;
  /** What follows behind them, without `.sql`. */
  readonly name: string;
}

/** Which migrations take part in the ledger. */
export interface LedgerNames {
  /** The versions of those that do, by name. */
  readonly versions: ReadonlyMap<string, LedgerVersion>;
  /** Those that the CLI would not read, or that share their digits with others. */
  readonly leftOut: readonly string[];
}

/**
 * Finds the migrations that the Supabase CLI would read, `<digits>_name.sql`. Several with the same
 * digits would be one to it: none of them takes part.
 *
 * @param names The migrations.
 * @returns Their versions, and which take no part.
 */
export function toLedgerNames(names: Iterable<string>): LedgerNames {
  const versions = new Map<string, LedgerVersion>();
  const byVersion = new Map<string, string[]>();
  const leftOut: string[] = [];
  for (const name of new Set(names)) {
    const [, version, rest] = /^([0-9]+)_([^/]*)\.sql$/.exec(name) ?? [];
    if (version === undefined || rest === undefined) {
      leftOut.push(name);
      continue;
    }
    versions.set(name, { version, name: rest });
    byVersion.set(version, [...byVersion.get(version) ?? [], name]);
  }
  for (const same of byVersion.values()) {
    if (same.length === 1) continue;
    for (const name of same) versions.delete(name);
    leftOut.push(...same);
  }
  return { versions, leftOut };
}

/** How the Supabase CLI's ledger and the history differ. */
export interface LedgerDifference {
  /** Applied by the history, and not in the ledger. */
  readonly onlyHere: readonly LedgerEntry[];
  /** In the ledger, and not applied by the history: with its file, where there is one. */
  readonly onlyThere: readonly {
    readonly version: string;
    readonly name: string;
    readonly file: string | null;
  }[];
}

/** A migration and its version. */
export interface LedgerEntry {
  /** The version in the ledger. */
  readonly version: string;
  /** The migration's file. */
  readonly file: string;
}

/** What of a row of the history counts here. */
interface Recorded {
  readonly name: string;
  readonly appliedChecksum: string | null;
}

/**
 * Compares the ledger with the history.
 *
 * @param names The migrations of files and history.
 * @param history The rows of the history.
 * @param ledger The names in the ledger by version.
 * @returns What is in one of them alone.
 */
export function compareLedger(
  { versions }: LedgerNames,
  history: readonly Recorded[],
  ledger: Readonly<Record<string, string>>,
): LedgerDifference {
  const applied = new Set(
    history.filter(({ appliedChecksum }) => appliedChecksum !== null).map(({ name }) => name),
  );
  const files = new Map([...versions].map(([file, { version }]) => [version, file]));
  const onlyHere = [...versions].flatMap(([file, { version }]) =>
    applied.has(file) && !(version in ledger) ? [{ version, file }] : []
  );
  const onlyThere = Object.entries(ledger).flatMap(([version, name]) => {
    const file = files.get(version) ?? null;
    return file !== null && applied.has(file) ? [] : [{ version, name, file }];
  });
  const byVersion = (a: { version: string }, b: { version: string }) =>
    a.version < b.version ? -1 : a.version > b.version ? 1 : 0;
  return {
    onlyHere: onlyHere.sort(byVersion),
    onlyThere: onlyThere.sort(byVersion),
  };
}
