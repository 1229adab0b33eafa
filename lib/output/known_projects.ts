/**
 * Remembers which projects a folder of migrations has gone to, so that another one, which may be
 * a setting gone wrong, is asked about. A clone knows nothing and asks nothing; neither the
 * embedded database nor one on this machine counts.
 *
 * @module
 */

import { posix, relative } from "node:path";
import type { Target } from "../database/target.ts";
import { ConfigurationError } from "../errors.ts";
import { replaceFile } from "../replace_file.ts";
import { line } from "./neutral.ts";
import { ask, canAsk, isYes } from "./prompt.ts";
import type { Reporter } from "./terminal.ts";

/** A project, as it is remembered: never with a key. */
export interface KnownProject {
  /** Its reference, or its host. */
  readonly name: string;
  /** The day on which it was first used, in UTC, such as `2026-11-20`. */
  readonly since: string;
}

/** Beside the embedded database, and like it no part of a repository. */
const FOLDER = ".supamigrate";
const NAME = "projects.json";

/** The projects of one folder of migrations. */
export class ProjectMemory {
  readonly #folder: string;
  readonly #place: string;
  readonly #target: Target;
  readonly #reporter: Reporter;
  readonly #verbose: boolean;

  /**
   * @param folder The folder of the migrations.
   * @param target The project at hand.
   * @param reporter Asks.
   * @param verbose Whether it is told where nothing can be remembered, which hinders nobody.
   * @param root The way to the project's folder, where it is remembered.
   */
  constructor(
    folder: string,
    target: Target,
    reporter: Reporter,
    verbose: boolean,
    root = ".",
  ) {
    // From wherever in the project it is called, a folder has one name.
    const path = root === "." ? folder : relative(root, folder).replaceAll("\\", "/");
    this.#folder = posix.normalize(path).replace(/(?<=.)\/$/, "");
    this.#place = root === "." ? FOLDER : `${root}/${FOLDER}`;
    this.#target = target;
    this.#reporter = reporter;
    this.#verbose = verbose;
  }

  /**
   * Asks about the project, where the folder has gone to others alone.
   *
   * @throws {ConfigurationError} The answer was no, or there is no terminal to ask on.
   */
  async confirm(): Promise<void> {
    const { kind, name, url } = this.#target;
    if (kind !== "project") return;
    const known = (await this.#read()).get(this.#folder) ?? [];
    if (known.length === 0 || known.some((project) => project.name === name)) return;
    const others = known.map((project) => `${project.name} (${project.since})`).join(", ");
    const finding =
      `So far the migrations in "${this.#folder}" have gone to ${others}, not to ${name}`;
    if (!await canAsk()) {
      throw new ConfigurationError(finding, {
        hint: `Check ${url.startsWith("postgresql:") ? "DATABASE_URL" : "SUPABASE_URL"}. ` +
          "Add --yes if that project is meant as well: it is remembered.",
      });
    }
    if (
      !isYes(await ask(this.#reporter, line`⚠️  ${finding}. Use them with it as well? (yes/no): `))
    ) {
      throw new ConfigurationError("Not confirmed: nothing was changed");
    }
  }

  /** Remembers the project, if it can be written down. */
  async remember(): Promise<void> {
    const { kind, name } = this.#target;
    if (kind !== "project") return;
    const folders = await this.#read();
    const known = folders.get(this.#folder) ?? [];
    if (known.some((project) => project.name === name)) return;
    folders.set(this.#folder, [...known, { name, since: new Date().toISOString().slice(0, 10) }]);
    try {
      await write(this.#place, `${JSON.stringify(Object.fromEntries(folders), null, 2)}\n`);
    } catch (error) {
      this.#note(`Cannot remember the project in ${this.#file}: ${(error as Error).message}`);
    }
  }

  get #file(): string {
    return `${this.#place}/${NAME}`;
  }

  #note(message: string): void {
    if (this.#verbose) this.#reporter.warn(line`⚠️  ${message}`);
  }

  async #read(): Promise<Map<string, readonly KnownProject[]>> {
    const { readFile } = await import("node:fs/promises");
    try {
      return parseKnownProjects(await readFile(this.#file, "utf8"));
    } catch (error) {
      if ((error as { code?: string }).code !== "ENOENT") {
        this.#note(`Cannot read the known projects in ${this.#file}: ${(error as Error).message}`);
      }
      return new Map();
    }
  }
}

/**
 * Reads what was remembered.
 *
 * @param text The file's content.
 * @returns The projects of each folder; what is none is left out.
 * @throws {SyntaxError} The text is no JSON.
 */
export function parseKnownProjects(text: string): Map<string, readonly KnownProject[]> {
  const folders = Object.entries(JSON.parse(text) ?? {});
  return new Map(folders.map(([folder, projects]) => [
    folder,
    Array.isArray(projects) ? projects.filter(isKnownProject) : [],
  ]));
}

/** Both are printed: nothing else than a name and a day gets through. */
function isKnownProject(value: unknown): value is KnownProject {
  const { name, since } = (value ?? {}) as Record<string, unknown>;
  return typeof name === "string" && /^[\w.:[\]-]{1,255}$/.test(name) &&
    typeof since === "string" && /^\d{4}-\d\d-\d\d$/.test(since);
}

async function write(folder: string, text: string): Promise<void> {
  const { mkdir, writeFile } = await import("node:fs/promises");
  await mkdir(folder, { recursive: true });
  await writeFile(`${folder}/.gitignore`, "*\n", { flag: "wx" }).catch((error) => {
    if ((error as { code?: string }).code !== "EEXIST") throw error;
  });
  await replaceFile(`${folder}/${NAME}`, text, "Nobody needs it: a run goes on without.");
}
