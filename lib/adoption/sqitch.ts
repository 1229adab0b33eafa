/** Sqitch. @module */

import { normalizeText } from "../planning/sections.ts";
import type { FileFormat, FolderFiles, ForeignMigration, NotConverted } from "./format.ts";
import { oneByOne } from "./parts.ts";

/** A change of the plan, with the tags between it and the next change of its name. */
interface Change {
  readonly name: string;
  readonly tags: string[];
  isReworked: boolean;
}

/** The files of Sqitch: `deploy/x.sql` and `revert/x.sql` in the order of `sqitch.plan`. */
export const sqitchFiles: FileFormat = {
  name: "sqitch",
  title: "Sqitch",
  recognise: (files) => files.has("sqitch.plan"),
  async read(files) {
    const migrations: ForeignMigration[] = [];
    const notConverted: NotConverted[] = [];
    for (const change of readPlan(files.get("sqitch.plan")!)) {
      const script = findScript(files, change);
      if (script === null) {
        const file = `deploy/${change.name}.sql`;
        const reason = change.isReworked
          ? `the plan reworks it, and its earlier script (${
            change.tags.map((tag) => `deploy/${change.name}@${tag}.sql`).join(" or ")
          }) is not there`
          : "the plan names it, and it is not there";
        notConverted.push({ file, reason });
        continue;
      }
      const [deploy, revert] = [`deploy/${script}.sql`, `revert/${script}.sql`];
      const forward = files.get(deploy)!;
      migrations.push({
        from: files.has(revert) ? [deploy, revert] : [deploy],
        name: script.replace("@", "_at_").replaceAll("/", "_"),
        forward,
        rollback: files.get(revert) ?? null,
        sends: await oneByOne(forward),
        notes: files.has(`verify/${script}.sql`)
          ? [`verify/${script}.sql is not taken over: it changes nothing`]
          : [],
      });
    }
    return { migrations, notConverted };
  },
};

function readPlan(text: string): Change[] {
  const changes: Change[] = [];
  for (const line of normalizeText(text).split("\n").map((line) => line.trim())) {
    if (line === "" || /^[%#]/.test(line)) continue;
    const tag = /^@(\S+)/.exec(line)?.[1];
    if (tag !== undefined) {
      for (const change of changes) if (!change.isReworked) change.tags.push(tag);
      continue;
    }
    const name = /^[+]?\s*([^\s[@]+)/.exec(line)?.[1];
    if (name === undefined) continue;
    for (const change of changes) if (change.name === name) change.isReworked = true;
    changes.push({ name, tags: [], isReworked: false });
  }
  return changes;
}

/** What was reworked has its earlier scripts under the names of tags. */
function findScript(files: FolderFiles, { name, tags, isReworked }: Change): string | null {
  const names = isReworked ? tags.map((tag) => `${name}@${tag}`) : [name];
  return names.find((script) => files.has(`deploy/${script}.sql`)) ?? null;
}
