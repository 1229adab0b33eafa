/** Which rows a table may have: values to be tried, and what became of those that were made. @module */

/** A table, as `sql/rows_tables.sql` describes it. */
export interface FillableTable {
  /** Its name, as SQL writes it. */
  readonly table: string;
  /** Whether it is the application's; others are filled because keys lead to them. */
  readonly is_own: boolean;
  readonly columns: readonly FillableColumn[];
  readonly keys: readonly { readonly table: string }[];
}

/** A column that is not filled by the server alone. */
export interface FillableColumn {
  readonly name: string;
  readonly type: string;
  /** The type, or the one that a domain stands on. */
  readonly base: string;
  /** `pg_type.typtype`; `e` also where a domain stands on an enum. */
  readonly kind: string;
  /** `pg_type.typcategory`. */
  readonly category: string;
  /** How many characters there may be, or how many dimensions. */
  readonly length: number | null;
  readonly labels: readonly string[] | null;
  readonly checks: readonly string[];
  readonly domain_checks: readonly string[];
}

/**
 * Orders tables so that those that keys lead to come first. Where they lead in a circle, some come too
 * early, and have to be tried again.
 *
 * @param tables The tables.
 */
export function orderByKeys(tables: readonly FillableTable[]): FillableTable[] {
  const byName = new Map(tables.map((table) => [table.table, table]));
  const ordered = new Set<FillableTable>();
  const entered = new Set<FillableTable>();
  const visit = (table: FillableTable) => {
    if (entered.has(table)) return;
    entered.add(table);
    for (const key of table.keys) {
      const referenced = byName.get(key.table);
      if (referenced !== undefined) visit(referenced);
    }
    ordered.add(table);
  };
  for (const table of tables) visit(table);
  return [...ordered];
}

/**
 * What to try for a column, best first. Later columns get higher numbers and later dates, as what ends
 * usually stands behind what begins; what checks compare with is among it.
 *
 * @param column The column.
 * @param place Where it stands in its table.
 * @returns Values as text, of which some may not fit.
 */
export function listValues(column: FillableColumn, place: number): string[] {
  const { labels, checks, domain_checks } = column;
  if (labels !== null) return [...labels];
  const mentioned = [...checks, ...domain_checks].flatMap(findConstants);
  const usual = listUsual(column, place);
  // What a check names is more likely to be right than what nobody has asked for.
  const first = column.category === "S" ? mentioned : [];
  return [...new Set([...first, ...usual, ...mentioned])];
}

/** The numbers and texts that a check compares with, and the numbers beside them. */
function findConstants(check: string): string[] {
  const texts = [...check.matchAll(/'((?:[^']|'')*)'/g)]
    .map(([, text]) => text!.replaceAll("''", "'"));
  const numbers = [...check.matchAll(/(?<![\w'.])\d+(?:\.\d+)?/g)].map(([number]) =>
    Number(number)
  );
  return [
    ...texts,
    ...numbers.flatMap((number) => [number, number + 1, number - 1].map(String)),
    ...numbers.filter((number) => number > 0 && number <= 200).map((number) => "x".repeat(number)),
  ];
}

const THREE = [1, 2, 3];

function listUsual({ base, category, kind, length }: FillableColumn, place: number): string[] {
  const day = (number: number) =>
    new Date(Date.UTC(2030, 0, number, place)).toISOString().replace("T", " ").slice(0, 19);
  if (kind === "r" || kind === "m") return ["empty"];
  if (kind === "c") return ["()", "(,)", "(,,)", "(,,,)", "(,,,,)"];
  switch (base) {
    case "uuid":
      return THREE.map((number) =>
        `${String(place).padStart(8, "0")}-0000-4000-8000-00000000000${number}`
      );
    case "json":
    case "jsonb":
      return ['{"n": 1}', '{"n": 2}', "[]", "{}"];
    case "date":
      return THREE.map((number) => day(number + place).slice(0, 10));
    case "time without time zone":
    case "time with time zone":
      return THREE.map((number) => `${String(8 + place % 12).padStart(2, "0")}:0${number}`);
    case "bytea":
      return THREE.map((number) => `\\x0${number}`);
    case "xml":
      return THREE.map((number) => `<n>${number}</n>`);
    case "inet":
      return THREE.map((number) => `192.0.2.${number}`);
    case "cidr":
      return THREE.map((number) => `192.0.${number}.0/24`);
    case "macaddr":
      return THREE.map((number) => `08:00:2b:01:02:0${number}`);
    case "money":
      return THREE.map(String);
    case "tsvector":
      return THREE.map((number) => `word${number}`);
    case "ltree":
      return THREE.map((number) => `top.n${number}`);
    case "hstore":
      return THREE.map((number) => `n=>${number}`);
    case "vector":
    case "extensions.vector":
      return THREE.map((number) => `[${Array(length === null ? 3 : length + 4).fill(number)}]`);
    case "point":
      return THREE.map((number) => `(${number},${place})`);
  }
  switch (category) {
    case "B":
      return ["true", "false"];
    case "N":
      return [
        ...THREE.map((number) => String(place * 10 + number)),
        "1",
        "2",
        "3",
        "0",
        "0.5",
        "100",
      ];
    case "D":
      return THREE.map(day);
    case "T":
      return THREE.map((number) => `${number} hours`);
    case "A":
      return ["{}", "{1}", "{a}"];
    case "V":
      return THREE.map((number) => number.toString(2).padStart(length ?? 1, "0"));
    case "S":
      return listTexts(length ?? Infinity);
    default:
      return [];
  }
}

/** Texts of the shapes that checks ask for. */
function listTexts(length: number): string[] {
  return [
    ...THREE.map((number) => `text ${number}`),
    ...THREE.map((number) => `name${number}@example.com`),
    ...THREE.map((number) => `https://example.com/${number}`),
    ...THREE.map((number) => `slug-${number}`),
    ...THREE.map((number) => `word_${number}`),
    ...THREE.map((number) => `+4930123456${number}`),
    ...THREE.map((number) => String(number)),
    "image/png",
    "text/plain",
    "USD",
    "EUR",
    "US",
    "en",
    "en-US",
    "ABC123",
    "a".repeat(32),
    "0".repeat(40),
    "0123456789abcdef".repeat(4),
    "2030-01-01",
    "x",
    "",
  ].filter((text) => text.length <= length);
}

/** What is in tables at one moment, by name. */
export type RowsSnapshot = Readonly<Record<string, TableRows>>;

/** The rows of a table. */
export interface TableRows {
  readonly rows: readonly Readonly<Record<string, unknown>>[];
  /** The columns of its primary key. */
  readonly key: readonly string[];
}

/** What became of rows. */
export interface RowLoss {
  /** The table, as SQL writes it. */
  readonly table: string;
  /** The column whose values are not what they were; null where whole rows are. */
  readonly column: string | null;
  /** Values that are null now or other ones, rows that are gone, rows that were not there before. */
  readonly what: "values lost" | "values changed" | "rows lost" | "rows left behind";
  /** How many. */
  readonly count: number;
}

/**
 * Compares what is in tables with what was there.
 *
 * @param before What was there.
 * @param after What is there.
 * @returns What is not the same.
 */
export function compareRows(before: RowsSnapshot, after: RowsSnapshot): RowLoss[] {
  return Object.entries(before).flatMap(([table, was]) => {
    const is = after[table] ?? { rows: [], key: was.key };
    const columns = Object.keys(was.rows[0] ?? {});
    const key = was.key.length > 0 ? was.key : columns;
    const [old, now] = [indexRows(was.rows, key), indexRows(is.rows, key)];
    const gone = [...old.keys()].filter((id) => !now.has(id)).length;
    const added = is.rows.length - (was.rows.length - gone);
    const pairs = [...old].flatMap(([id, row]) =>
      now.has(id) ? [[row, now.get(id)!] as const] : []
    );
    // Without a key a row whose value was changed is one that is gone and one that has come.
    return [
      ...columns.flatMap((column) => compareColumn(table, column, pairs)),
      ...(gone > 0 ? [{ table, column: null, what: "rows lost", count: gone } as const] : []),
      ...(added > 0
        ? [{ table, column: null, what: "rows left behind", count: added } as const]
        : []),
    ];
  });
}

function indexRows(rows: TableRows["rows"], key: readonly string[]) {
  const found = new Map<string, Readonly<Record<string, unknown>>>();
  for (const row of rows) {
    const id = JSON.stringify(key.map((column) => row[column] ?? null));
    // Equal rows without a key are told apart by their number.
    let unique = id;
    for (let copy = 2; found.has(unique); copy++) unique = `${id} ${copy}`;
    found.set(unique, row);
  }
  return found;
}

function compareColumn(
  table: string,
  column: string,
  pairs:
    readonly (readonly [Readonly<Record<string, unknown>>, Readonly<Record<string, unknown>>])[],
): RowLoss[] {
  const differing = pairs.filter(([was, is]) =>
    JSON.stringify(was[column] ?? null) !== JSON.stringify(is[column] ?? null)
  );
  const lost = differing.filter(([, is]) => (is[column] ?? null) === null).length;
  const changed = differing.length - lost;
  return [
    ...(lost > 0 ? [{ table, column, what: "values lost", count: lost } as const] : []),
    ...(changed > 0 ? [{ table, column, what: "values changed", count: changed } as const] : []),
  ];
}
