/** How long a command takes, and how much memory. @module */

import { performance } from "node:perf_hooks";

/** What a command came to. */
export interface Measured {
  /** From its start to its end, in milliseconds. */
  readonly ms: number;
  /** The most memory that its processes had together, in bytes; null where the system does not say. */
  readonly bytes: number | null;
}

/** A command. */
export interface BenchCommand {
  readonly program: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** How often memory is looked at, in milliseconds. */
const LOOK_MS = 20;

/**
 * Runs a command.
 *
 * @param command The command.
 * @returns What it took.
 * @throws {Error} It failed.
 */
export async function measure({ program, args, cwd, env = {} }: BenchCommand): Promise<Measured> {
  const began = performance.now();
  const child = new Deno.Command(program, {
    args: [...args],
    cwd,
    env: { ...env },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  let bytes: number | null = null;
  const looking = setInterval(() => {
    const now = readMemory(child.pid);
    if (now !== null) bytes = Math.max(bytes ?? 0, now.all);
  }, LOOK_MS);
  const { success, code, stdout, stderr } = await child.output();
  const ms = performance.now() - began;
  clearInterval(looking);
  if (!success) {
    const said = [stdout, stderr].map((part) => new TextDecoder().decode(part).slice(-2000));
    throw new Error(`${program} ${args.join(" ")} ended with ${code}:\n${said.join("\n")}`);
  }
  return { ms, bytes };
}

/**
 * How much memory a process has; Linux says it.
 *
 * @param pid Which one.
 * @param kind All of it (`VmRSS`), or what it shares with no other (`RssAnon`).
 * @returns Its own, and that with those that it has started, in bytes; null where nobody says.
 */
export function readMemory(
  pid: number,
  kind: "VmRSS" | "RssAnon" = "VmRSS",
): { readonly own: number; readonly all: number } | null {
  try {
    const status = Deno.readTextFileSync(`/proc/${pid}/status`);
    const own = Number(new RegExp(`^${kind}:\\s+(\\d+) kB$`, "m").exec(status)?.[1] ?? 0) * 1024;
    const children = Deno.readTextFileSync(`/proc/${pid}/task/${pid}/children`).trim();
    const all = children.split(/\s+/).filter((child) => child !== "")
      .reduce((sum, child) => sum + (readMemory(Number(child), kind)?.all ?? 0), own);
    return { own, all };
  } catch {
    return null; // it has ended, or this is another system
  }
}

/** The middle one. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}
