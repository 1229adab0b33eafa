/** HTML of which everything is escaped that is not HTML itself. @module */

import { showControls } from "../controls.ts";

/** HTML. */
export class Html {
  /** @param text The HTML itself, which is not escaped any more. */
  constructor(readonly text: string) {}
}

/** What can be put into HTML: text is escaped, and what is nothing leaves nothing. */
export type Content = string | number | Html | null | undefined | false | readonly Content[];

/**
 * Makes HTML, or SVG. Values are escaped, for contents of elements and for attributes in double quotes; what
 * cannot be seen in them is shown. Line breaks between tags are left out.
 *
 * @example
 * ```ts
 * import { markup } from "./html.ts";
 *
 * markup`<p title="${'"'}">${"</script>"}</p>`.text; // <p title="&quot;">&lt;/script&gt;</p>
 * ```
 */
export function markup(parts: TemplateStringsArray, ...values: readonly Content[]): Html {
  const raw = parts.map((part) =>
    part.replace(/(^|>)\s*\n\s*(?=<|$)|(>)\s*\n\s*|\s*\n\s*(<)/g, "$1$2$3").replace(
      /\s*\n\s*/g,
      " ",
    )
  );
  return new Html(String.raw({ raw }, ...values.map(toText)));
}

/** Puts contents together. */
export function join(contents: readonly Content[], between = ""): Html {
  return new Html(contents.map(toText).join(between));
}

function toText(content: Content): string {
  if (content === null || content === undefined || content === false) return "";
  if (content instanceof Html) return content.text;
  if (typeof content === "number") return String(content);
  if (typeof content === "string") return escape(content);
  return content.map(toText).join("");
}

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
};

function escape(text: string): string {
  return showControls(text).replace(/[&<>"]/g, (character) => ENTITIES[character]!);
}

/**
 * An anchor, which a link can lead to: it may hold any name.
 *
 * @param kind What it is the anchor of, such as `table`.
 * @param name Its name.
 */
export function anchor(kind: string, name: string): string {
  return `${kind}/${encodeURIComponent(name.toWellFormed())}`;
}
