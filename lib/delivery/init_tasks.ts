/** The tasks or scripts that `init` adds, so that commands can be run by name. Pure. @module */

import type { Findings } from "./init_edits.ts";
import { addToManifest, readManifest } from "./manifests.ts";

/** What tasks are made from. */
export interface TaskOptions {
  /** The folder of the migrations. */
  readonly folder: string;
  /** The same, where the commands do not find it by themselves. */
  readonly dir?: string;
  /** The version of the tool that is written down. */
  readonly version: string;
}

/** How commands are run from the repository afterwards. */
export interface Runner {
  /** What has to be run before. */
  readonly before: readonly string[];
  /** The words that run a command. */
  readonly command: (name: string, argument?: string) => string;
}

/** The commands that get a task or script. */
const COMMANDS = ["migrate", "status", "rollback", "create", "install", "doctor"] as const;

/** What they are called: as the second or third where another tool has the first. */
const PREFIXES = ["migrate", "db:migrate", "supamigrate"] as const;

/** The files that can hold them, the first one that is there. */
const MANIFESTS = ["deno.json", "deno.jsonc", "package.json"] as const;

/**
 * Plans the tasks or scripts.
 *
 * @param files The files of the repository.
 * @param options What they are made from.
 * @param found Where the plan goes.
 * @returns How commands are run afterwards.
 */
export function planTasks(
  files: Readonly<Record<string, string>>,
  options: TaskOptions,
  found: Findings,
): Runner {
  const path = MANIFESTS.find((name) => name in files);
  const flag = options.dir === undefined ? "" : ` --dir ${quote(options.dir)}`;
  const join = (...words: string[]) => words.filter((word) => word !== "").join(" ");
  const plain = (name: string, argument = "") => join(`supamigrate ${name}${flag}`, argument);
  if (path === undefined) return { before: [], command: plain };

  const isDeno = path !== "package.json";
  const field = isDeno ? "tasks" : "scripts";
  const { tasks, packages } = readManifest(path, files[path]!, field);
  const prefix = choosePrefix(tasks);
  if (prefix === undefined) {
    found.notes.push(
      `${path} has ${field} of something else that are called ${PREFIXES.join(", ")}: ` +
        "none were added",
    );
  } else if (prefix !== PREFIXES[0]) {
    found.notes.push(
      `${path} has ${field} called ${PREFIXES[0]} for something else: these are called ${prefix}`,
    );
  }
  const added = prefix === undefined ? {} : Object.fromEntries(
    COMMANDS.filter((name) => !(taskName(prefix, name) in tasks)).map((name) => [
      taskName(prefix, name),
      `${isDeno ? denoStart(name, options) : "supamigrate"} ${name}${flag}`,
    ]),
  );
  const dependency = isDeno || packages.has("supamigrate") ? null : options.version;
  const names = Object.keys(added);
  if (names.length > 0 || dependency !== null) {
    found.edits.push({
      path,
      action: "extend",
      adds: [
        ...names.map((name) => `${isDeno ? "task" : "script"} ${name}`),
        ...(dependency === null ? [] : [`devDependency supamigrate ${dependency}`]),
      ],
      text: addToManifest(files[path]!, [
        ...Object.entries(added).map(([name, task]) => ({ path: [field, name], value: task })),
        ...(dependency === null
          ? []
          : [{ path: ["devDependencies", "supamigrate"], value: dependency }]),
      ]),
    });
  } else if (prefix !== undefined) found.present.push(`${field} in ${path}`);

  if (!isDeno) {
    // npx takes arguments as they are, where npm run wants -- before them.
    return {
      before: dependency === null ? [] : [`${findPackageManager(files)} install`],
      command: (name, argument) => `npx ${plain(name, argument)}`,
    };
  }
  return {
    before: [],
    command: prefix === undefined
      ? plain
      : (name, argument = "") => join(`deno task ${taskName(prefix, name)}`, argument),
  };
}

function taskName(prefix: string, command: string): string {
  return command === "migrate" ? prefix : `${prefix}:${command}`;
}

/** The names that are in use for this tool, or else are free, all of them. */
function choosePrefix(tasks: Readonly<Record<string, string>>): string | undefined {
  const isOurs = (name: string) => /\bsupamigrate\b/.test(tasks[name] ?? "");
  const isFree = (name: string) => !(name in tasks) || isOurs(name);
  const free = PREFIXES.filter((prefix) =>
    COMMANDS.every((name) => isFree(taskName(prefix, name)))
  );
  return free.find((prefix) => COMMANDS.some((name) => isOurs(taskName(prefix, name)))) ?? free[0];
}

/** With the permissions that the command needs, as the tasks of this project's own. */
/**
 * V8 compiles WebAssembly, which the parser and the embedded database are, a second time, and better,
 * while it runs: for a command that takes longer than it saves, and as much memory again.
 */
const QUICK_WASM = "--v8-flags=--liftoff-only";

function denoStart(command: string, { folder, version }: TaskOptions): string {
  const [net, write] = command === "create"
    ? ["", quote(folder)]
    : [" --allow-net", ".supamigrate,$HOME/.cache/supamigrate"];
  return `deno run ${QUICK_WASM} --allow-env${net} --allow-read --allow-sys=hostname ` +
    `--allow-write=${write} npm:supamigrate@${version}`;
}

/** Fit for the shells of tasks and scripts, on Windows too. */
function quote(text: string): string {
  return /^[\w./,:@-]+$/.test(text) ? text : JSON.stringify(text).replace(/[$`]/g, "\\$&");
}

function findPackageManager(files: Readonly<Record<string, string>>): string {
  if ("pnpm-lock.yaml" in files) return "pnpm";
  if ("yarn.lock" in files) return "yarn";
  return "bun.lock" in files ? "bun" : "npm";
}
