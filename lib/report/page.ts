/** Makes a page of data: one file of HTML that needs nothing else. @module */

import type { Viz } from "@viz-js/viz";
import colorsCss from "./colors.css" with { type: "text" };
import type { ReportData } from "./data.ts";
import { drawDiagram } from "./diagram.ts";
import diagramCss from "./diagram.css" with { type: "text" };
import { type Content, Html, markup } from "./html.ts";
import { viewLog } from "./log.ts";
import { viewMigrations } from "./migrations.ts";
import { describeState, viewOverview } from "./overview.ts";
import pageCss from "./page.css" with { type: "text" };
import pageJs from "./page.js" with { type: "text" };
import { badge, brief, tableLink, time } from "./parts.ts";
import { viewPolicies } from "./policies.ts";
import { viewTables } from "./tables.ts";

/**
 * Makes a page.
 *
 * @param data What it shows. What is secret has been taken out of it.
 * @param viz Graphviz, for the diagram.
 * @returns The page as HTML.
 */
export async function renderPage(data: ReportData, viz: Viz): Promise<string> {
  const { project, madeAt, toolVersion } = data;
  const { tone, says } = describeState(data);
  const styles = [colorsCss, diagramCss, pageCss].join("\n");
  // Nothing but these two is run or fetched, whatever else is in the page.
  const policy = [
    "default-src 'none'",
    `style-src '${await digest(styles)}'`,
    `script-src '${await digest(pageJs)}'`,
    "base-uri 'none'",
    "form-action 'none'",
  ].join("; ");
  const views: readonly (readonly [id: string, title: string, content: Content])[] = [
    ["overview", "Overview", viewOverview(data)],
    ["migrations", "Migrations", viewMigrations(data)],
    ["diagram", "Diagram", viewDiagram(data, viz)],
    ["tables", "Tables", viewTables(data)],
    ["policies", "Policies", viewPolicies(data.schema)],
    ["log", "Log", viewLog(data)],
  ];
  const page = markup`
    <html lang="en">
    <head>
      <meta charset="utf-8">
      <meta http-equiv="Content-Security-Policy" content="${policy}">
      <meta name="viewport" content="width=device-width, initial-scale=1">
      <meta name="generator" content="supamigrate">
      <meta name="referrer" content="no-referrer">
      <title>${project.name}: migrations</title>
      <style>${new Html(styles)}</style>
    </head>
    <body>
      <a class="skip" href="#main">To the content</a>
      <header>
        <div class="title">
          <h1>${project.name}</h1>
          ${badge(tone, says)}
          <p>${project.url !== project.name && markup`<span>${project.url}</span>`}<span>${
    time(madeAt)
  } UTC</span><span>supamigrate ${toolVersion}</span></p>
        </div>
        <nav aria-label="Views">${
    views.map(([id, title]) => markup`<a href="#${id}">${title}</a>`)
  }</nav>
        <div class="tools">
          <input id="search" type="search" placeholder="Search ( / )" aria-label="Search in this view">
          <span id="found" role="status"></span>
          <button id="theme" type="button" aria-label="Light or dark">◐</button>
        </div>
      </header>
      <main id="main" tabindex="-1">${
    views.map(([id, title, content]) =>
      markup`<section id="${id}" class="view" aria-label="${title}"><h1 class="only-print">${title}</h1>${content}</section>`
    )
  }</main>
      <script>${new Html(pageJs)}</script>
    </body>
    </html>
  `;
  return `<!doctype html>\n${page.text.replace(LEFT_OUT, "")}\n`;
}

/** Ends that HTML does without: of many rows they are a good part. */
const LEFT_OUT = /<\/(?:td|th|tr|thead|tbody|li)>/g;

async function digest(text: string): Promise<string> {
  const hash = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return `sha256-${btoa(String.fromCharCode(...new Uint8Array(hash)))}`;
}

function viewDiagram({ schema: { tables }, changes }: ReportData, viz: Viz): Html {
  const changeOf = new Map(
    changes.known ? changes.value.map(({ id, change }) => [id, change]) : [],
  );
  const { svg, hubs } = drawDiagram(viz, tables, { changes: changeOf, linked: true });
  const all = [...new Set(changeOf.values())];
  return markup`
    <div class="canvas">
      <div class="stage" tabindex="0" role="group" aria-label="Diagram: arrow keys move it, + and - zoom, 0 shows all of it">${svg}</div>
      <div class="zoom"><button type="button" data-zoom="in" aria-label="Larger">+</button>
        <button type="button" data-zoom="out" aria-label="Smaller">−</button>
        <button type="button" data-zoom="all">All</button></div>
      <aside id="panel" aria-label="The chosen table" aria-live="polite"></aside>
    </div>
    <p class="legend">${
    hubs.map(({ id, sign, count }, index) =>
      markup`<span><span class="sign hue${index % 8}">${sign}</span> ${
        tableLink(id)
      }, ${count} foreign keys</span>`
    )
  }${
    all.includes("added") && markup`<span>${badge("good", "+")} made by pending migrations</span>`
  }${all.includes("changed") && markup`<span>${badge("warn", "~")} changed by them</span>`}${
    all.includes("removed") && markup`<span>${badge("bad", "−")} dropped by them</span>`
  }${
    !changes.known &&
    markup`<span>What pending migrations change is not coloured: ${brief(changes.reason)}</span>`
  }<span>${
    tables.length === 0 ? "There are no tables yet." : "Dashed lines are optional."
  } All of it as a list: <a href="#tables">Tables</a></span></p>
  `;
}
