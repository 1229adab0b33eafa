/** What `init` writes into a repository. Pure: files go in, edits come out. @module */

import { ConfigurationError } from "../errors.ts";
import type { Edit, Findings } from "./init_edits.ts";
import { planTasks } from "./init_tasks.ts";

/** What `init` looks at in a repository. */
export interface Repository {
  /** The content of those of {@linkcode FILES} that are there. */
  readonly files: Readonly<Record<string, string>>;
  /** The folders that are there, of {@linkcode FOLDERS} and of `dir`. */
  readonly folders: readonly string[];
  /** Whether there is a migration already. */
  readonly hasMigrations: boolean;
  /** Whether `.git` is in the folder itself. */
  readonly isGitRoot: boolean;
}

/** The workflow's file. */
const WORKFLOW = ".github/workflows/migrate.yml";

/** The files that are looked at. */
export const FILES: readonly string[] = [
  "deno.json",
  "deno.jsonc",
  "package.json",
  "pnpm-lock.yaml",
  "yarn.lock",
  "bun.lock",
  ".gitignore",
  ".env.example",
  WORKFLOW,
];

/** The folders that are looked for. */
export const FOLDERS: readonly string[] = ["migrations", "supabase", "supabase/migrations"];

/** What `init` is asked for. */
export interface InitOptions {
  /** The folder of the migrations, where it is not to be found out. */
  readonly dir?: string;
  /** The text of the GitHub workflow, where one is to be written. */
  readonly workflow?: string;
  /** The version of the tool that is written down. */
  readonly version: string;
}

/** What `init` would do. */
export interface InitPlan {
  /** The folder of the migrations. */
  readonly folder: string;
  /** What is made or extended, in order. */
  readonly edits: readonly Edit[];
  /** What is there already. */
  readonly present: readonly string[];
  /** What the user should know of it. */
  readonly notes: readonly string[];
  /** The commands to go on with. */
  readonly next: readonly string[];
}

/**
 * Chooses the folder of the migrations as the commands do.
 *
 * @param folders The folders that are there.
 */
export function chooseFolder(folders: readonly string[]): string {
  if (folders.includes("migrations")) return "migrations";
  return folders.includes("supabase") ? "supabase/migrations" : "migrations";
}

/**
 * Plans what has to be written into a repository so that migrations can be run from it.
 *
 * @param repository What is there.
 * @param options What is asked for.
 * @returns What would be done; nothing of what is there is overwritten.
 * @throws {ConfigurationError} A `package.json` or `deno.json` cannot be read.
 */
export function planInit(repository: Repository, options: InitOptions): InitPlan {
  const found: Findings = { edits: [], present: [], notes: [] };
  const { files } = repository;
  const folder = planFolder(repository, options, found);
  const { before, command } = planTasks(files, { ...options, folder }, found);
  planLines(".gitignore", files[".gitignore"], findMissingIgnores, found);
  planLines(".env.example", files[".env.example"], findMissingSettings, found);
  if (options.workflow !== undefined) planWorkflow(repository, options.workflow, found);
  return {
    folder,
    ...found,
    next: [
      ...before,
      ...(repository.hasMigrations ? [] : [command("create", "first_tables")]),
      command("migrate"),
    ],
  };
}

function planFolder(
  { folders }: Repository,
  { dir }: InitOptions,
  { edits, present, notes }: Findings,
): string {
  const folder = dir ?? chooseFolder(folders);
  if (dir === undefined && FOLDERS.every((name) => folders.includes(name))) {
    notes.push(
      "There are migrations/ and supabase/migrations/, and the commands take migrations/: " +
        "--dir supabase/migrations names the other one",
    );
  }
  if (folders.includes(folder)) {
    present.push(`${folder}/`);
    return folder;
  }
  // Git keeps no empty folder, and in a clone without it the commands would miss it.
  edits.push({ path: `${folder}/`, action: "make", adds: [], text: null });
  edits.push({ path: `${folder}/.gitkeep`, action: "create", adds: [], text: "" });
  return folder;
}

/** What covers a line of `.gitignore`, among the patterns that people write. */
const IGNORED: Readonly<Record<string, RegExp>> = {
  ".supamigrate/": /^\/?\.supamigrate\/?$/,
  ".env": /^\/?\.env\*?$/,
  ".env.local": /^\/?(\.env\*|\.env\.(local|\*)|\.env(\.?\*)\.local|\*\.local)$/,
};

function findMissingIgnores(text: string): string[] {
  const lines = text.split(/\r?\n/).map((line) => line.trim());
  const missing = Object.entries(IGNORED)
    .filter(([, pattern]) => !lines.some((line) => pattern.test(line)))
    .map(([line]) => line);
  const hidesExample = lines.some((line) => /^\/?\.env\.?\*$/.test(line)) &&
    !lines.some((line) => /^!\/?\.env\.(example|\*)$/.test(line));
  return hidesExample ? [...missing, "!.env.example"] : missing;
}

/** What `.env.example` names, and what names it already. */
const SETTINGS: readonly { readonly known: RegExp; readonly lines: readonly string[] }[] = [
  {
    known: /^[\s#]*(export\s+)?SUPABASE_URL\s*=/m,
    lines: [
      "# The project that migrations go to. Without it: an embedded database.",
      "SUPABASE_URL=",
    ],
  },
  {
    known: /^[\s#]*(export\s+)?SUPABASE_(SERVICE_KEY|SERVICE_ROLE_KEY|SECRET_KEYS?)\s*=/m,
    lines: [
      "# API keys in the project's settings: service_role, or a secret key. It can do everything.",
      "SUPABASE_SERVICE_KEY=",
    ],
  },
];

function findMissingSettings(text: string): string[] {
  return SETTINGS.filter(({ known }) => !known.test(text)).flatMap(({ lines }) => lines);
}

/** Adds lines to the end of a file, with the line ends that it has. */
function planLines(
  path: string,
  before: string | undefined,
  findMissing: (text: string) => string[],
  { edits, present }: Findings,
): void {
  const missing = findMissing(before ?? "");
  if (missing.length === 0) {
    present.push(path);
    return;
  }
  const end = before?.includes("\r\n") ? "\r\n" : "\n";
  const start = before === undefined || before === "" || before.endsWith("\n")
    ? before ?? ""
    : before + end;
  edits.push({
    path,
    action: before === undefined ? "create" : "extend",
    adds: missing.filter((line) => !line.startsWith("#")),
    text: start + missing.map((line) => line + end).join(""),
  });
}

function planWorkflow(
  { files, isGitRoot }: Repository,
  workflow: string,
  { edits, present, notes }: Findings,
): void {
  if (WORKFLOW in files) {
    present.push(WORKFLOW);
    return;
  }
  if (!isGitRoot) {
    throw new ConfigurationError(
      "There is no .git in this folder, and GitHub reads workflows " +
        "at the root of a repository alone",
      {
        hint:
          'Run "git init" first, or leave --workflow out and copy the workflow by hand: for a ' +
          "folder below the root it needs a working-directory. Nothing was changed.",
      },
    );
  }
  edits.push({ path: WORKFLOW, action: "create", adds: [], text: workflow });
  notes.push(
    "The workflow runs when main is pushed, and takes the variable SUPABASE_URL and the secret " +
      "SUPABASE_SERVICE_KEY from the repository's settings on GitHub",
  );
}
