/** A diagram as a file of its own, for documents. @module */

import type { Viz } from "@viz-js/viz";
import colorsCss from "./colors.css" with { type: "text" };
import { drawDiagram, type Hub } from "./diagram.ts";
import diagramCss from "./diagram.css" with { type: "text" };
import { Html, markup } from "./html.ts";
import type { ReportTable } from "./schema.ts";

const LINE = 22;

/**
 * Draws a diagram that needs nothing beside it: in light or dark, as whoever shows it has it.
 *
 * @param viz Graphviz.
 * @param tables The tables.
 * @param hubs Tables that many refer to, these tables or others.
 * @returns The SVG.
 */
export function drawImage(viz: Viz, tables: readonly ReportTable[], hubs: readonly Hub[]): string {
  const { svg, width, height } = drawDiagram(viz, tables, { hubs });
  const targets = new Set(
    tables.flatMap(({ references }) => references.map(({ target }) => target)),
  );
  const signs = hubs.map((hub, color) => ({ ...hub, color: color % 8 }))
    .filter(({ id }) => targets.has(id));
  const legend = signs.map(({ sign, name, color }, index) =>
    markup`
      <g transform="translate(9 ${height + 12 + index * LINE})" class="chip hue${color}">
        <rect width="21" height="15" rx="3"/><text x="10.5" y="11.5" text-anchor="middle">${sign}</text>
        <text class="name" x="29" y="12">${name}</text>
      </g>
    `
  );
  const whole = Math.max(width, 240);
  const full = height + 12 + signs.length * LINE;
  const image = markup`
    <svg xmlns="http://www.w3.org/2000/svg" width="${whole}" height="${full}" viewBox="0 0 ${whole} ${full}">
      <style>${new Html(`${colorsCss}\n${diagramCss}`)}</style>
      <g class="diagram">${new Html(
    svg.text.replace(/^<svg /, `<svg width="${width}" height="${height}" `),
  )}${legend}</g>
    </svg>
  `;
  return `${image.text}\n`;
}
