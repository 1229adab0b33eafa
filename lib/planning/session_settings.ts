/** What a migration cannot change of the session and the transaction that it runs in. @module */

import type { ParsedStatement } from "./parser.ts";

/** What the way to the database allows, and not every way does. */
export interface Abilities {
  /** `SET ROLE`: nothing that is called is SECURITY DEFINER. */
  readonly setRole: boolean;
  /** How statements run that cannot run in a transaction; null where they cannot. */
  readonly outside: "connection" | "pg_cron" | null;
}

/** What becomes of a statement that sets role or transaction. */
export type SettingVerdict =
  & { readonly about: "role" | "transaction" }
  & (
    /** A migration has it anyway: the statement changes nothing, and is left out. */
    | { readonly kind: "needless"; readonly because: string }
    /** It cannot be had inside `exec_sql`. */
    | { readonly kind: "impossible"; readonly what: string; readonly hint: string }
  );

/** A setting with its value; null is its default, or the value that it has. */
interface Setting {
  readonly name: string;
  readonly value: string | null;
}

/** Whose rights migrations have. */
const OWNER = "postgres";

type About = SettingVerdict["about"];

const needless = (about: About, because: string): SettingVerdict => ({
  about,
  kind: "needless",
  because,
});
const impossible = (about: About, what: string, hint: string): SettingVerdict => ({
  about,
  kind: "impossible",
  what,
  hint,
});

/** READ UNCOMMITTED is READ COMMITTED to PostgreSQL. */
const USUAL_LEVEL = /^read (?:un)?committed$/i;
const FALSE = /^(?:off|false|no|0)$/i;

const USUAL_RIGHTS = needless("role", `migrations run as ${OWNER}`);
const USUAL_TRANSACTION = needless("transaction", "migrations run READ COMMITTED and READ WRITE");

const HAS_BEGUN = "cannot be had: the transaction of exec_sql has begun by then";

/**
 * Judges a statement that sets the role, or how its transaction goes.
 *
 * @param statement The statement, with what to call it in a message.
 * @param can What the way to the database allows.
 * @returns What becomes of it; undefined where it sets neither, or is to be run as it stands.
 */
export function judgeSettings(
  { type, node }: Pick<ParsedStatement, "type" | "node">,
  called: string,
  can: Abilities,
): SettingVerdict | undefined {
  if (type === "VariableSetStmt" && node.name === "TRANSACTION SNAPSHOT") {
    return impossible("transaction", `SET TRANSACTION SNAPSHOT ${HAS_BEGUN}`, "Leave it out.");
  }
  const settings = type === "VariableSetStmt"
    ? readSet(node)
    : type === "SelectStmt"
    ? readSetConfig(node)
    : [];
  const verdicts = settings.map((setting) => judge(setting, called, can));
  return verdicts.find((verdict) => verdict?.kind === "impossible") ??
    (verdicts.every((verdict) => verdict !== undefined) ? verdicts[0] : undefined);
}

/**
 * Judges what stands behind BEGIN.
 *
 * @param options The options of its tree.
 * @returns Why it cannot be had; undefined where it is what a migration has anyway.
 */
export function judgeTransactionModes(
  options: ParsedStatement["node"],
): (SettingVerdict & { kind: "impossible" }) | undefined {
  return readModes(options).map((setting) =>
    judge(setting, "BEGIN", { setRole: true, outside: null })
  )
    .find((verdict) => verdict?.kind === "impossible");
}

function judge(
  { name, value }: Setting,
  called: string,
  can: Abilities,
): SettingVerdict | undefined {
  const setting = name.toLowerCase();
  switch (setting) {
    case "role":
    case "session_authorization": {
      // What sets it back is needed there as well.
      if (can.setRole) return undefined;
      const isUsual = value === null || value === OWNER || (value === "none" && setting === "role");
      return isUsual ? USUAL_RIGHTS : impossible(
        "role",
        `"${called}" is refused by PostgreSQL inside exec_sql`,
        `Migrations run as ${OWNER}. To give an object another owner, use ALTER … OWNER TO; or run ` +
          "the migrations with --via direct, where the role can be changed.",
      );
    }
    case "transaction_isolation":
      if (value === null) return undefined;
      return USUAL_LEVEL.test(value) ? USUAL_TRANSACTION : impossible(
        "transaction",
        `ISOLATION LEVEL ${value.toUpperCase()} ${HAS_BEGUN}`,
        "Migrations run READ COMMITTED, one at a time. Leave it out; where nobody else may write " +
          "meanwhile, LOCK TABLE … IN SHARE ROW EXCLUSIVE MODE sees to that.",
      );
    case "transaction_read_only":
      if (value === null) return undefined;
      return FALSE.test(value) ? USUAL_TRANSACTION : impossible(
        "transaction",
        "READ ONLY cannot be had: the history is written in the same transaction",
        "Leave it out.",
      );
    case "transaction_deferrable":
      // It has a meaning for SERIALIZABLE READ ONLY alone.
      return value === null ? undefined : USUAL_TRANSACTION;
  }
  return undefined;
}

function readSet(node: ParsedStatement["node"]): Setting[] {
  switch (node.kind) {
    case "VAR_SET_VALUE":
      return [{ name: node.name, value: readConstant(node.args[0]) ?? "" }];
    case "VAR_SET_MULTI":
      // SESSION CHARACTERISTICS are for transactions to come, of which a migration has none.
      return node.name === "TRANSACTION" ? readModes(node.args) : [];
    case "VAR_SET_DEFAULT":
    case "VAR_SET_CURRENT":
    case "VAR_RESET":
      return [{ name: node.name, value: null }];
  }
  return [];
}

function readModes(options: ParsedStatement["node"]): Setting[] {
  // deno-lint-ignore no-explicit-any -- see ParsedStatement
  return (options ?? []).map(({ DefElem: { defname, arg } }: any) => ({
    name: defname,
    value: readConstant(arg) ?? "",
  }));
}

/** `SELECT set_config('…', '…', …)` and no more, as pg_dump writes it. */
function readSetConfig(node: ParsedStatement["node"]): Setting[] {
  const isPlain = Object.keys(node).every((key) =>
    ["targetList", "limitOption", "op"].includes(key)
  );
  if (!isPlain) return [];
  const settings: Setting[] = [];
  for (const { ResTarget } of node.targetList ?? []) {
    const { funcname, args = [] } = ResTarget.val?.FuncCall ?? {};
    // deno-lint-ignore no-explicit-any -- see ParsedStatement
    const called = (funcname ?? []).map((part: any) => part.String?.sval).join(".");
    const [name, value] = args.map(readConstant);
    if (!/^(?:pg_catalog\.)?set_config$/.test(called) || typeof name !== "string") return [];
    if (typeof value !== "string") return [];
    settings.push({ name, value });
  }
  return settings;
}

function readConstant(node: ParsedStatement["node"]): string | undefined {
  const { sval, ival, boolval } = node?.A_Const ?? {};
  if (sval !== undefined) return sval.sval;
  if (ival !== undefined) return String(ival.ival ?? 0);
  return boolval === undefined ? undefined : String(boolval.boolval ?? false);
}
