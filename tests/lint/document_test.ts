import assert from "node:assert/strict";
import { CHECKS } from "../../lib/lint/checks.ts";
import { RULE_FAMILIES } from "../../lib/lint/rules.ts";

const DOCUMENT = new URL("../../docs/lint.md", import.meta.url);
const UPDATE = Deno.env.get("UPDATE_SNAPSHOTS") === "1";

/** What the document says of something that can be found. */
function describe(
  { code, title, level, reason, remedy, passesOver }: {
    code: string;
    title: string;
    level: string;
    reason: string;
    remedy: string;
    passesOver?: string;
  },
): string {
  const rest = passesOver === undefined ? "" : ` Passed over: ${passesOver}.`;
  return `**\`${code}\`** (${level}): ${title}. ${reason}. ${remedy}${rest}`
    .replaceAll("<", "&lt;").replaceAll("*", (star, at) => at < code.length + 8 ? star : "\\*");
}

/** Breaks a text as the formatter does. */
function wrap(text: string): string {
  const lines = [""];
  for (const word of text.split(" ")) {
    const last = lines.at(-1)!;
    if (last !== "" && last.length + 1 + word.length > 100) lines.push(word);
    else lines[lines.length - 1] = last === "" ? word : `${last} ${word}`;
  }
  return lines.join("\n");
}

Deno.test("docs/lint.md has every rule and every check", async () => {
  const families = [
    ...RULE_FAMILIES,
    [
      "Files, sections and allowances",
      Object.entries(CHECKS).map(([code, check]) => ({ code, ...check })),
    ] as const,
  ];
  const list = families.map(([title, rules]) =>
    `### ${title}\n\n${rules.map((rule) => wrap(describe(rule))).join("\n\n")}`
  ).join("\n\n");
  const document = await Deno.readTextFile(DOCUMENT);
  const renewed = document.replace(
    /<!-- rules -->[^]*<!-- \/rules -->/,
    () => `<!-- rules -->\n\n${list}\n\n<!-- /rules -->`,
  );
  if (UPDATE) await Deno.writeTextFile(DOCUMENT, renewed);
  else assert.equal(document, renewed, "renew it with UPDATE_SNAPSHOTS=1");
});
