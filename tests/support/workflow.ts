/** Runs the steps of a GitHub workflow or action: their shell text, as it stands in the file. */

import { fileURLToPath } from "node:url";
import { parse } from "yaml";
import { hideTimes, QUICK_WASM } from "./cli.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

interface Step {
  readonly name?: string;
  readonly id?: string;
  readonly run?: string;
  readonly shell?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly "working-directory"?: string;
}

/** How a step ended. */
export interface StepResult {
  readonly name: string;
  readonly code: number;
  readonly output: string;
}

/** What there is around steps. */
export interface StepsOptions {
  /** The folder of the repository. */
  readonly folder: string;
  /** What expressions such as `vars.SUPABASE_URL` come to. */
  readonly expressions: Readonly<Record<string, string>>;
  /** Programs that stand in for others, by name: their text, for `sh`. */
  readonly programs?: Readonly<Record<string, string>>;
}

/** How the steps ended, and what they left. */
export interface StepsResult {
  /** The steps that were run; the last one is the one that failed, if one did. */
  readonly steps: StepResult[];
  /** What went to `GITHUB_OUTPUT`. */
  readonly outputs: string;
  /** What went to `GITHUB_STEP_SUMMARY`. */
  readonly summary: string;
}

/** Reads a workflow or action of this repository. */
// deno-lint-ignore no-explicit-any -- what YAML holds, the tests say
export async function readYaml(path: string): Promise<any> {
  return parse(await Deno.readTextFile(ROOT + path));
}

/**
 * Runs steps until one fails, as a runner would; steps without shell text are left to GitHub.
 *
 * `npx --yes supamigrate@VERSION` is this clone's command line here.
 */
export async function runSteps(
  steps: readonly Step[],
  environment: Readonly<Record<string, string>>,
  { folder, expressions, programs = {} }: StepsOptions,
): Promise<StepsResult> {
  const runner = await Deno.makeTempDir({ prefix: "supamigrate-runner-" });
  try {
    await Deno.mkdir(`${runner}/bin`);
    const stand: Record<string, string> = { npx: NPX, ...programs };
    for (const [name, text] of Object.entries(stand)) {
      await Deno.writeTextFile(`${runner}/bin/${name}`, `#!/bin/sh\n${text}`, { mode: 0o755 });
    }
    const files = ["GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY", "GITHUB_ENV"];
    for (const file of files) await Deno.writeTextFile(`${runner}/${file}`, "");
    const evaluate = (values: Readonly<Record<string, string>> = {}) =>
      Object.fromEntries(
        Object.entries(values).map(([name, text]) => [name, replaceExpressions(text, expressions)]),
      );
    const done: StepResult[] = [];
    for (const step of steps) {
      if (step.run === undefined) continue;
      const { code, stdout, stderr } = await new Deno.Command("bash", {
        // What a runner calls the two shells with.
        args: step.shell === "bash"
          ? ["--noprofile", "--norc", "-eo", "pipefail", "-c", step.run]
          : ["-e", "-c", step.run],
        cwd: folder,
        clearEnv: true,
        env: {
          PATH: `${runner}/bin:${Deno.env.get("PATH")}`,
          HOME: Deno.env.get("HOME") ?? "",
          ...QUICK_WASM,
          CI: "true",
          GITHUB_ACTIONS: "true",
          GITHUB_REPOSITORY: "acme/shop",
          RUNNER_TEMP: runner,
          ...Object.fromEntries(files.map((file) => [file, `${runner}/${file}`])),
          ...evaluate(environment),
          ...evaluate(step.env),
        },
        stdin: "null",
      }).output();
      const decode = (bytes: Uint8Array) => hideTimes(new TextDecoder().decode(bytes));
      done.push({
        name: step.name ?? step.id ?? "",
        code,
        output: decode(stdout) + decode(stderr),
      });
      if (code !== 0) break;
    }
    return {
      steps: done,
      outputs: await Deno.readTextFile(`${runner}/GITHUB_OUTPUT`),
      summary: hideTimes(await Deno.readTextFile(`${runner}/GITHUB_STEP_SUMMARY`)),
    };
  } finally {
    await Deno.remove(runner, { recursive: true });
  }
}

const NPX = `case "$1 $2" in
  "--yes supamigrate@"[0-9]*) shift 2 ;;
  *) echo "npx would ask, or run another version: $*" >&2; exit 99 ;;
esac
exec "${Deno.execPath()}" run --allow-all --no-check "${ROOT}cli.ts" "$@"
`;

function replaceExpressions(text: string, values: Readonly<Record<string, string>>): string {
  return text.replace(/\$\{\{\s*(.*?)\s*\}\}/g, (_, expression: string) => {
    const value = values[expression];
    if (value === undefined) throw new Error(`Nobody says what "${expression}" is`);
    return value;
  });
}

/**
 * Runs shell text as a page shows it. `npx supamigrate` is this clone's command line, and what
 * `supabase` would do is left out.
 */
export async function runShell(
  text: string,
  folder: string,
  environment: Readonly<Record<string, string>>,
): Promise<{ readonly code: number; readonly output: string }> {
  const bin = await Deno.makeTempDir({ prefix: "supamigrate-shell-" });
  try {
    const programs = {
      npx: `[ "$1" = --yes ] && shift
[ "$1" = supamigrate ] || { echo "npx would run something else: $*" >&2; exit 99; }
shift
exec "${Deno.execPath()}" run --allow-all --no-check "${ROOT}cli.ts" "$@"`,
      supabase: "exit 0",
    };
    for (const [name, program] of Object.entries(programs)) {
      await Deno.writeTextFile(`${bin}/${name}`, `#!/bin/sh\n${program}\n`, { mode: 0o755 });
    }
    const { code, stdout, stderr } = await new Deno.Command("bash", {
      args: ["-euo", "pipefail", "-c", text],
      cwd: folder,
      clearEnv: true,
      env: {
        PATH: `${bin}:${Deno.env.get("PATH")}`,
        HOME: Deno.env.get("HOME") ?? "",
        ...QUICK_WASM,
        ...environment,
      },
      stdin: "null",
    }).output();
    const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
    return { code, output: decode(stdout) + decode(stderr) };
  } finally {
    await Deno.remove(bin, { recursive: true });
  }
}
