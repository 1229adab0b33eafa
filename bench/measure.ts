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
    if (now !== null) bytes = Math.max(bytes ?? 0, now);
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

/** Of a process and of those that it has started; Linux says it. */
function readMemory(pid: number): number | null {
  try {
    const status = Deno.readTextFileSync(`/proc/${pid}/status`);
    const own = Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1024;
    const children = Deno.readTextFileSync(`/proc/${pid}/task/${pid}/children`).trim();
    return children.split(/\s+/).filter((child) => child !== "")
      .reduce((sum, child) => sum + (readMemory(Number(child)) ?? 0), own);
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
