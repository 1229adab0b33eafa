/**
 * How the tool was started, so that hints name commands that are there: `supamigrate status` in a
 * text becomes `supamigrate status`, or `npx supamigrate status`.
 *
 * @module
 */

import { dirname, join } from "node:path";

/** The commands, which stand behind `supamigrate` in texts. */
const COMMANDS = [
  "init",
  "migrate",
  "plan",
  "status",
  "rollback",
  "create",
  "validate",
  "bundle",
  "import",
  "types",
  "fresh",
  "seed",
  "baseline",
  "adopt",
  "repair",
  "drift",
  "verify",
  "pull",
  "diff",
  "squash",
  "backups",
  "history",
  "report",
  "doctor",
  "cancel",
  "unlock",
  "install",
  "uninstall",
  "completions",
  "help",
] as const;

const NAMED = new RegExp(String.raw`(?<![\w/@.-]|npx )supamigrate (${COMMANDS.join("|")})\b`, "g");

/** What is known of the start. */
export interface StartFacts {
  /** Whether this is Deno. */
  readonly isDeno: boolean;
  /** The file that was started. */
  readonly script: string;
  /** The environment. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** The tasks of the nearest `deno.json`. */
  readonly tasks: Readonly<Record<string, string>>;
}

/**
 * The tasks that can be run from a folder: those of the nearest `deno.json` or `deno.jsonc`.
 *
 * @param folder Where to begin; then the folders above.
 * @returns Tasks by name; none where there is no such file, or it cannot be read.
 */
export async function findTasks(folder: string): Promise<Record<string, string>> {
  const { readFile } = await import("node:fs/promises");
  for (const name of ["deno.json", "deno.jsonc"]) {
    let text: string;
    try {
      text = await readFile(join(folder, name), "utf8");
    } catch {
      continue;
    }
    return await readTasks(text);
  }
  const above = dirname(folder);
  return above === folder ? {} : await findTasks(above);
}

async function readTasks(text: string): Promise<Record<string, string>> {
  const { parse } = await import("jsonc-parser");
  // Whether it is right is for Deno to say.
  const { tasks } = Object(parse(text, [], { allowTrailingComma: true })) as {
    tasks?: Record<string, string | { command?: string }>;
  };
  return Object.fromEntries(
    Object.entries(tasks ?? {}).map(([name, task]) => [
      name,
      typeof task === "string" ? task : task?.command ?? "",
    ]),
  );
}

/** Gives a command the words that it is started with here. */
export type NameCommand = (command: string) => string;

/**
 * How commands are named to whoever started the tool like this.
 *
 * @param facts What is known of the start.
 * @returns Gives a command, such as `status`, the words to type.
 */
export function nameCommandsAs({ isDeno, script, environment, tasks }: StartFacts): NameCommand {
  if (!isDeno) {
    const start = nodeStart(script, environment);
    return (command) => `${start} ${command}`;
  }
  const own = Object.entries(tasks).filter(([, task]) =>
    /supamigrate|(^|[\s/])cli\.ts\b/.test(task)
  );
  // A task for any command is one that ends with the tool itself.
  const general = own.find(([, task]) =>
    /(supamigrate[\w@.^~-]*(\/cli)?|cli\.ts)$/.test(task.trim())
  );
  const start = general === undefined ? denoStart(script) : `deno task ${general[0]}`;
  return (command) => {
    const task = own.find(([, text]) => text.trim().endsWith(` ${command}`));
    return task === undefined ? `${start} ${command}` : `deno task ${task[0]}`;
  };
}

/** Package managers say who they are; `npx` and scripts of npm alike. */
function nodeStart(script: string, environment: StartFacts["environment"]): string {
  const manager = environment.npm_config_user_agent?.split("/", 1)[0];
  if (manager === "pnpm") return "pnpm exec supamigrate";
  if (manager === "yarn") return "yarn supamigrate";
  if (manager === "bun") return "bunx supamigrate";
  if (manager === "npm" || /[\\/]node_modules[\\/]/.test(script)) return "npx supamigrate";
  return "supamigrate";
}

function denoStart(script: string): string {
  if (/[\\/](node_modules|npm)[\\/]/.test(script)) return "deno run -A npm:supamigrate";
  if (/^https?:/.test(script)) return "deno run -A jsr:@supamigrate/supamigrate/cli";
  return `deno run -A ${/\s/.test(script) ? JSON.stringify(script) : script}`;
}

/**
 * Names the commands in a text.
 *
 * @param text A text that names them as `supamigrate status`.
 * @param name How they are named.
 */
export function nameCommands(text: string, name: NameCommand): string {
  return text.replace(NAMED, (_, command: string) => name(command));
}
