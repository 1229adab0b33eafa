/** What several parts of a page are put together of. @module */

import { formatCount } from "../count.ts";
import { shorten } from "../shorten.ts";
import { anchor, type Content, type Html, join, markup } from "./html.ts";
import { shortName } from "./diagram.ts";

/** How something stands: it decides the colour, and a word beside it says the same. */
export type Tone = "good" | "warn" | "bad" | "plain";

/** A word or two on a colour. */
export function badge(tone: Tone, text: Content): Html {
  return markup`<span class="badge ${tone}">${text}</span>`;
}

/** A link to a table. */
export function tableLink(id: string): Html {
  return markup`<a href="#${anchor("table", id)}">${shortName(id)}</a>`;
}

/** A link to a migration. */
export function migrationLink(name: string): Html {
  return markup`<a href="#${anchor("migration", name)}">${name}</a>`;
}

/**
 * A table, which can be scrolled sideways where it is wider than the page.
 *
 * @param caption What it shows.
 * @param heads The heads of its columns; those that begin with `#` are of numbers.
 * @param rows Its rows.
 * @param kind Where it stands: a search looks through the rows of a list, and through what belongs to
 * an item with that item.
 */
export function grid(
  caption: string,
  heads: readonly string[],
  rows: readonly (readonly Content[])[],
  kind: "list" | "part" | "columns" = "list",
): Html {
  const isNumber = heads.map((head) => head.startsWith("#"));
  const row = kind === "list" ? markup`<tr data-item>` : markup`<tr>`;
  const cells = (row: readonly Content[]) =>
    row.map((cell, index) =>
      isNumber[index] ? markup`<td class="n">${cell}</td>` : markup`<td>${cell}</td>`
    );
  return markup`
    <div class="scroll" tabindex="0" role="group" aria-label="${caption}">
      <table class="${kind}">
        <caption>${caption}</caption>
        <thead><tr>${
    heads.map((head, index) =>
      isNumber[index]
        ? markup`<th scope="col" class="n">${head.slice(1)}</th>`
        : markup`<th scope="col">${head}</th>`
    )
  }</tr></thead>
        <tbody>${rows.map((one) => markup`${row}${cells(one)}</tr>`)}</tbody>
      </table>
    </div>
  `;
}

/** SQL, which is coloured when somebody looks at it. */
export function code(sql: string): Html {
  return markup`<pre class="sql" tabindex="0"><code>${sql}</code></pre>`;
}

/** A list, or what is said where there is nothing. */
export function list(items: readonly Content[], otherwise: Content = null): Html {
  if (items.length === 0) return join([otherwise]);
  return markup`<ul>${items.map((item) => markup`<li>${item}</li>`)}</ul>`;
}

/** A time in UTC; pointed at, it is told in the reader's time zone. */
export function time(iso: string): Html {
  const utc = new Date(iso).toISOString();
  return markup`<time datetime="${utc}">${utc.slice(0, 10)} ${utc.slice(11, 16)}</time>`;
}

/** A duration of milliseconds to the precision that it has. */
export function duration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 10_000) return `${(ms / 1000).toFixed(1)} s`;
  if (ms < 120_000) return `${Math.round(ms / 1000)} s`;
  if (ms < 7_200_000) return `${Math.round(ms / 60_000)} min`;
  return `${Math.round(ms / 3_600_000)} h`;
}

/** A type as it is mostly written. */
export function shortType(type: string): string {
  return type.replace(/^public\./, "").replace(/^time(stamp)? with time zone/, "time$1tz")
    .replace(/^time(stamp)? without time zone/, "time$1")
    .replace("character varying", "varchar");
}

/** The beginning of what somebody has to say, where all of it would be in the way. */
export function brief(said: string): string {
  return shorten(said, 300);
}

/** A number with its word. */
export function count(number: number, one: string, many = `${one}s`): string {
  return `${formatCount(number)} ${number === 1 ? one : many}`;
}

/** A size. */
export function size(bytes: number): string {
  const units = ["bytes", "KB", "MB", "GB", "TB"];
  const unit = Math.min(units.length - 1, Math.floor(Math.log2(Math.max(1, bytes)) / 10));
  return `${Math.round(bytes / 1024 ** unit)} ${units[unit]}`;
}
