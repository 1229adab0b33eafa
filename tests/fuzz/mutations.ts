/** Real files with things put in, taken out, doubled, swapped and cut off. @module */

import { hidingABanner, leavingNothingOpen } from "../planning/traps.ts";
import type { Random } from "../support/random.ts";
import { banners, nasties } from "./random_text.ts";

const root = new URL("../../", import.meta.url);

/** The longest piece of a file that is worked on: a mistake shows in a short one as well. */
const longest = 1500;

let corpus: readonly string[] | undefined;

/** The SQL files of this repository, and the texts that the lexer's tests know. */
function loadCorpus(): readonly string[] {
  return corpus ??= [
    ...["migrations", "sql", "docs", "tests/platform", "tests/support", "tests/testdata"]
      .flatMap((folder) => [...sqlFiles(new URL(`${folder}/`, root))])
      .map((path) => new TextDecoder().decode(Deno.readFileSync(path)))
      .filter((text) => text !== ""),
    ...Object.values(hidingABanner),
    ...Object.values(leavingNothingOpen),
  ];
}

function* sqlFiles(folder: URL): Iterable<URL> {
  const entries = [...Deno.readDirSync(folder)].sort((a, b) => a.name < b.name ? -1 : 1);
  for (const { name, isFile, isDirectory } of entries) {
    if (isDirectory) yield* sqlFiles(new URL(`${name}/`, folder));
    else if (isFile && name.endsWith(".sql")) yield new URL(name, folder);
  }
}

/** Part of a file, from the start of a line to the end of one. */
function excerpt(random: Random): string {
  const text = random.pick(loadCorpus());
  if (text.length <= longest && random.below(2) === 0) return text;
  const start = text.lastIndexOf("\n", random.below(text.length)) + 1;
  const end = text.indexOf("\n", start + random.below(longest));
  return text.slice(start, end === -1 || end - start > 2 * longest ? start + longest : end + 1);
}

/** Several pieces of files, changed in a few places. */
export function mutate(random: Random): string {
  let text = "";
  for (let count = 1 + random.below(3); count > 0; count--) text += excerpt(random);
  for (let count = random.below(5); count > 0; count--) text = change(random, text);
  return text;
}

function change(random: Random, text: string): string {
  const at = random.below(text.length + 1);
  const to = Math.min(text.length, at + random.below(random.pick([2, 20, 200])));
  const [before, middle, after] = [text.slice(0, at), text.slice(at, to), text.slice(to)];
  switch (random.below(9)) {
    case 0:
      return before + after;
    case 1:
      return before + middle + middle + after;
    case 2:
      return before + random.pick(nasties) + middle + after;
    case 3:
      return `${before}\n${random.pick(banners)}\n${middle}${after}`;
    case 4:
      return before + excerpt(random) + after;
    case 5:
      return before;
    case 6:
      return before + middle.toUpperCase() + after;
    case 7:
      return after + before;
    default:
      return before + random.pick([";", "\n", " ", "\r\n", "--", "'", "/* ", " */"]) + middle +
        after;
  }
}
