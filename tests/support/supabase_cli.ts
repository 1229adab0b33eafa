import { join } from "node:path";
import { installFromNpm } from "./binaries.ts";

const VERSION = "3.1.0";

/** The path of the Supabase CLI, which npm brings as a program for each platform. */
export async function findSupabaseCli(): Promise<string> {
  const arch = Deno.build.arch === "aarch64" ? "arm64" : "x64";
  const name = `@supabase/cli-${Deno.build.os}-${arch}`;
  return join(await installFromNpm(name, VERSION), "bin", "supabase");
}

/** Runs the Supabase CLI in a folder. */
export async function runSupabaseCli(
  args: readonly string[],
  { cwd, databaseUrl }: { readonly cwd: string; readonly databaseUrl: string },
): Promise<{ readonly code: number; readonly stdout: string; readonly stderr: string }> {
  const { code, stdout, stderr } = await new Deno.Command(await findSupabaseCli(), {
    args: [...args, "--db-url", `${databaseUrl}?sslmode=disable`],
    cwd,
    env: { SUPABASE_TELEMETRY_DISABLED: "1", DO_NOT_TRACK: "1" },
    stdin: "null",
  }).output();
  const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, stdout: decode(stdout), stderr: decode(stderr) };
}
