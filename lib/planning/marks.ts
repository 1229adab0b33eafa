/**
 * The comments with which migration tools say what is applied and what undoes it. A mark of a
 * tool is one whatever stands around it; words such as "Rollback" or "Down" are titles that people
 * write in many ways, and about many things.
 *
 * @module
 */

/** What a part of a file is for. */
export type Direction = "up" | "down";

/** What a comment says of the parts of its file. */
export type Mark =
  /** A part begins here. */
  | {
    readonly kind: "section";
    readonly direction: Direction;
    /** Whose mark it is; null is a title that says nothing but this. */
    readonly tool: string | null;
    /** The author wants no transaction around this part. */
    readonly withoutTransaction: boolean;
  }
  /** A title with words behind it: perhaps a part begins here. */
  | { readonly kind: "doubtful"; readonly direction: Direction }
  /** The author wants no transaction around the file. */
  | { readonly kind: "without transaction" }
  /** What cannot be done as it is meant. */
  | { readonly kind: "refused"; readonly reason: string; readonly hint: string };

/** Whose `-- FORWARD MIGRATION` and `-- ROLLBACK` are. */
export const OWN = "supamigrate";

/** Longer comments are no titles. */
const LONGEST_TITLE = 200;

const BANNER = /^--[\s=*#-]*(forward migration|rollback)[\s=*#:-]*$/i;

/** Marks that begin a part. The first group says which, or what stands there does. */
const SECTIONS: readonly (readonly [tool: string, mark: RegExp, direction?: Direction])[] = [
  ["dbmate", /^--\s*migrate:(up|down)\b(.*)$/i],
  ["goose", /^--\s*\+goose\s+(up|down)\b(.*)$/i],
  ["sql-migrate", /^--\s*\+migrate\s+(up|down)\b(.*)$/i],
  ["micrate", /^--\s*\+micrate\s+(up|down)\b(.*)$/i],
  ["rambler", /^--\s*rambler\s+(up|down)\b(.*)$/i],
  ["node-pg-migrate", /^--[\s=*#-]*(up|down)\s+migration[\s=*#:.-]*(?:\(.*)?$/i],
  ["Play", /^--[\s-]*!\s*(up|down)s\b(.*)$/i],
  ["aerich", /^--\s*(up|down)grade\s*--$/i],
  ["Mojo", /^--\s*\d+\s+(up|down)\b(?:\s*\(.*)?$/i],
  ["tern", /^--[\s-]*create above\s*\/\s*drop below[\s-]*$/i, "down"],
  ["MyBatis", /^--\s*(?:\/\/)?\s*@undo\b(.*)$/i, "down"],
];

/** An option of a part or of a file that asks for no transaction around it. */
const NO_TRANSACTION =
  /^(?:\+goose\s+no\s+transaction|no-transaction|!\s*no-transaction|:disable-transaction|postgres-migrations\s+disable-transaction|evolve-tx-off|atlas:txmode\s+none|transactional:\s*false|tern:\s*disable-tx)[\s-]*$/i;
const PART_WITHOUT_TRANSACTION = /\bnotransaction\b|\btransaction:\s*false\b/i;

/** What other tools do with a file before they send it, and this one does not. */
const REFUSED: readonly (readonly [mark: RegExp, reason: string, hint: string])[] = [
  [
    /^--\s*\+goose\s+envsub\s+on\b/i,
    "asks for environment variables to be put into the SQL",
    "Write the values into the file.",
  ],
  [
    /^--\s*atlas:(?:txtar|checkpoint|delimiter|import)\b/i,
    "asks for what Atlas alone does",
    'Keep the SQL that is to be applied, and mark what undoes it with "-- ROLLBACK".',
  ],
  [
    /^--\s*!\s*include\b/i,
    "asks for another file to be put in its place",
    "Put its SQL into this file.",
  ],
];

/** How Sqitch begins the files that are no deploy scripts. */
const NO_DEPLOY_SCRIPT = /^--\s*(?:revert|verify)\s+\S+\s+(?:from|on)\s+\w+$/i;

const UP = String.raw`(?:up|upgrade|forward|apply)`;
const DOWN = String
  .raw`(?:roll(?:ing)?[ -]?back|undo|undoing|revert|reverting|reverse|down|downgrade|back ?out|tear ?down)`;
const PART = String.raw`(?: (?:migration|section|sql|script|part|statements?))?`;
const TITLES = [["up", new RegExp(`^${UP}${PART}$`)], [
  "down",
  new RegExp(`^${DOWN}${PART}$`),
]] as const;

/** What follows a title, and not a verb or a noun. */
const TAIL =
  String.raw`(?:\s*[:,([{–—]|\s+[-/]|\s+(?:\w+ )?(?:scripts?|section|sql|migrations?|part|` +
  String.raw`instructions?|plan|steps?|statements?|commands?|strategy|notes?|quer(?:y|ies))\b|` +
  String.raw`\s+(?:only|manually|if (?:needed|necessary|required|something|anything|you|things)|` +
  String.raw`in case|when needed|everything|(?:for|of )?(?:this|these)|` +
  String.raw`(?:the |all )?(?:changes?|above)|(?:for|of) the migration)\b|\s+(?:for|of) \d)`;
const LEAD = String
  .raw`(?:(?:how |steps? |sql |script |in order |run this |use this )?to |optional:? |manual |` +
  String.raw`(?:step |section |part )?\d+[.:)] ?)?`;
const DOUBTFUL = [
  ["up", new RegExp(`^${LEAD}${UP}(?:${PART}$|${TAIL})`)],
  ["down", new RegExp(`^${LEAD}${DOWN}(?:${PART}$|${TAIL})`)],
] as const;

/**
 * Reads what a comment says of the parts of its file.
 *
 * @param comment The comment, from `--` or `/*` on.
 * @param isFirst Nothing stands before it in the file.
 * @returns What it says, or null where it says nothing of them.
 */
export function readMark(comment: string, isFirst: boolean): Mark | null {
  const text = comment.startsWith("--") ? comment : asLine(comment);
  if (text === null) return null;
  const own = BANNER.exec(text)?.[1]?.toLowerCase();
  if (own !== undefined) return section(own === "rollback" ? "down" : "up", OWN);
  if (text.length > LONGEST_TITLE) return null;

  for (const [tool, mark, always] of SECTIONS) {
    const found = mark.exec(text);
    if (found === null) continue;
    const direction = always ?? found[1]!.toLowerCase() as Direction;
    return section(direction, tool, PART_WITHOUT_TRANSACTION.test(text));
  }
  if (NO_TRANSACTION.test(text.replace(/^--[\s-]*/, ""))) return { kind: "without transaction" };
  for (const [mark, reason, hint] of REFUSED) {
    if (mark.test(text)) return { kind: "refused", reason, hint };
  }
  if (isFirst && NO_DEPLOY_SCRIPT.test(text)) {
    return {
      kind: "refused",
      reason: "says that the file is none to apply",
      hint: "Keep such files in another folder.",
    };
  }
  return readTitle(text);
}

function section(
  direction: Direction,
  tool: string | null,
  withoutTransaction = false,
): Extract<Mark, { kind: "section" }> {
  return { kind: "section", direction, tool, withoutTransaction };
}

function readTitle(text: string): Mark | null {
  const title = text.replace(/[<>=*#~_|\s]+/g, " ").replace(/^[^\p{L}\p{N}]+/u, "").trimEnd()
    .toLowerCase();
  const bare = title.replace(/[^\p{L}\p{N}]{1,150}$/u, "");
  for (const [direction, pattern] of TITLES) {
    if (pattern.test(bare)) return section(direction, null);
  }
  for (const [direction, pattern] of DOUBTFUL) {
    if (pattern.test(title)) return { kind: "doubtful", direction };
  }
  return null;
}

/**
 * A comment block that holds one line of text, as a line comment. A line comment inside a block is
 * a mark that somebody has taken out.
 */
function asLine(block: string): string | null {
  const lines = block.slice(2, -2).split("\n", 8)
    .map((line) => line.replace(/^[\s*]+/, "").replace(/[\s*]{1,100}$/, ""))
    .filter((line) => /[\p{L}\p{N}]/u.test(line));
  const [line] = lines;
  const isTitle = lines.length === 1 && !line!.startsWith("--") &&
    block.length <= 2 * LONGEST_TITLE;
  return isTitle ? `-- ${line}` : null;
}

/** The beginning of a statement that could undo something. */
const SQL = new RegExp(
  String
    .raw`(?:^|[\s:(-])(?:(?:drop|create|alter)\s+(?:or\s+replace\s+)?[a-z]+\s|delete\s+from\s|` +
    String.raw`insert\s+into\s|truncate\s|update\s+\S+\s+set\s|revoke\s|grant\s|do\s+\$|begin;|` +
    String.raw`comment\s+on\s|set\s+\S+\s*(?:=|to)\s)`,
  "i",
);

/**
 * Whether a comment holds SQL itself: then it is a note of what would undo the migration, and what
 * follows it is not that.
 *
 * @param comment The comment.
 * @param isTitle It stands behind a title, and is a note where its SQL is complete.
 */
export function holdsCommentedSql(comment: string, isTitle: boolean): boolean {
  const text = comment.slice(0, 2000);
  return isTitle ? SQL.test(text) && /;\W*$/.test(text) : SQL.test(text.replace(/^[-/*\s]+/, ""));
}
