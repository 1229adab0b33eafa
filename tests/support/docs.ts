/** What the documentation shows: blocks of code, and code among the words. */

const ROOT = new URL("../../", import.meta.url);

/** A page. */
export interface Document {
  readonly path: string;
  readonly text: string;
}

/** A block of code. */
export interface Block {
  /** Its page and line. */
  readonly place: string;
  /** What stands behind the fence: `sh`, `ts` and the like. */
  readonly language: string;
  readonly text: string;
}

/** README, CONTRIBUTING and everything in docs. */
export async function readDocuments(): Promise<Document[]> {
  const paths = ["README.md", "CONTRIBUTING.md"];
  for await (const { name } of Deno.readDir(new URL("docs/", ROOT))) {
    if (name.endsWith(".md")) paths.push(`docs/${name}`);
  }
  return await Promise.all(
    paths.sort().map(async (path) => ({
      path,
      text: await Deno.readTextFile(new URL(path, ROOT)),
    })),
  );
}

const FENCED = /^( *)```([^\n]*)\n([^]*?)^ *```$/gm;

/** The blocks of a page. */
export function findBlocks({ path, text }: Document): Block[] {
  return [...text.matchAll(FENCED)].map(({ index, 2: language = "", 3: code = "" }) => ({
    place: `${path}:${text.slice(0, index).split("\n").length}`,
    language: language.trim(),
    text: code.replace(/\n$/, ""),
  }));
}

/** The code among the words of a page. */
export function findSpans({ path, text }: Document): Pick<Block, "place" | "text">[] {
  const words = text.replace(FENCED, (block) => block.replace(/[^\n]/g, " "));
  return [...words.matchAll(/`([^`]+)`/g)].map(({ index, 1: code = "" }) => ({
    place: `${path}:${words.slice(0, index).split("\n").length}`,
    text: code.trim(),
  }));
}

/** The commands of a block of shell text, by words, without variables before them. */
export function splitCommands(text: string): string[][] {
  return text.replaceAll("\\\n", " ").split("\n")
    .map((line) =>
      line.replace(/(^|\s)#.*$/, "").replace(/^(\s*[A-Z_]+=('[^']*'|\S*)\s+)+/, "").trim()
    )
    .filter((line) => line !== "")
    .map((line) => line.split(/\s+/));
}
