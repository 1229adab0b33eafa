/** The view of policies: which role may do what with which table, as the catalogue has it. @module */

import { type Html, markup } from "./html.ts";
import { tableLink } from "./parts.ts";
import type { ReportPolicy, ReportRole, ReportSchema, ReportTable } from "./schema.ts";

const VERBS = [["select", "S"], ["insert", "I"], ["update", "U"], ["delete", "D"]] as const;

/** What a role may do with the rows of a table. */
interface Access {
  readonly tone: "none" | "blocked" | "some" | "free" | "all";
  readonly sign: string;
  readonly says: string;
}

/** The view. */
export function viewPolicies({ roles, tables }: ReportSchema): Html {
  if (tables.length === 0) return markup`<p class="lead">There are no tables yet.</p>`;
  return markup`
    <p class="lead">What each role may do, by grants and policies. A cell says more when it is pointed at;
    the policies themselves are with their table.</p>
    <p class="legend">${
    LEGEND.map(({ tone, sign, says }) =>
      markup`<span><span class="access ${tone}">${sign}</span> ${says}</span>`
    )
  }</p>
    <div class="scroll matrix" tabindex="0" role="group" aria-label="Role, table and verb">
      <table>
        <caption>Role × table × verb</caption>
        <thead>
          <tr><td></td>${
    roles.map(({ name }) => markup`<th scope="colgroup" colspan="4" class="group">${name}</th>`)
  }</tr>
          <tr><th scope="col">Table</th>${
    roles.map(() =>
      VERBS.map(([verb], index) =>
        markup`<th scope="col" class="${index === 0 ? "verb group" : "verb"}">${verb}</th>`
      )
    )
  }</tr>
        </thead>
        <tbody>${
    tables.map((table) =>
      markup`<tr data-item><th scope="row">${tableLink(table.id)}</th>${
        roles.map((role) =>
          VERBS.map(([verb, letter], index) => {
            const { tone, sign, says } = findAccess(table, role, verb, letter);
            // The legend says what the others mean.
            const title = tone === "some" && markup` title="${says}"`;
            const classes = [
              ...(tone === "none" ? [] : [tone]),
              ...(index === 0 ? ["group"] : []),
            ].join(" ");
            const of = classes !== "" && markup` class="${classes}"`;
            return markup`<td${of}${title}>${sign}</td>`;
          })
        )
      }</tr>`
    )
  }</tbody>
      </table>
    </div>
  `;
}

const LEGEND: readonly Access[] = [
  { tone: "all", sign: "all", says: "all rows: no row level security" },
  { tone: "free", sign: "all", says: "all rows: no policy holds for the role" },
  { tone: "some", sign: "2", says: "rows that one of so many policies lets through" },
  { tone: "blocked", sign: "0", says: "granted, and no policy lets a row through" },
  { tone: "none", sign: "–", says: "not granted" },
  { tone: "none", sign: "*", says: "some columns alone" },
];

function findAccess(
  table: ReportTable,
  role: ReportRole,
  verb: ReportPolicy["command"],
  letter: string,
): Access {
  const granted = table.access?.[role.name] ?? "";
  const isWhole = granted.includes(letter);
  if (!isWhole && !granted.includes(letter.toLowerCase())) {
    return { tone: "none", sign: "–", says: "not granted" };
  }
  const mark = isWhole ? "" : "*";
  const columns = isWhole ? "" : ", some columns alone";
  if (!table.kind.endsWith("table")) {
    return { tone: "all", sign: `all${mark}`, says: `all rows of the ${table.kind}${columns}` };
  }
  if (role.bypassesRls) {
    return {
      tone: "free",
      sign: `all${mark}`,
      says: `all rows: no policy holds for the role${columns}`,
    };
  }
  if (!table.rls) {
    return { tone: "all", sign: `all${mark}`, says: `all rows: no row level security${columns}` };
  }
  const holding = table.policies.filter(({ command, roles }) =>
    (command === "all" || command === verb) &&
    roles.some((name) => name === "public" || role.is.includes(name))
  );
  const letting = holding.filter(({ permissive }) => permissive);
  const restricting = holding.filter(({ permissive }) => !permissive);
  if (letting.length === 0) {
    return { tone: "blocked", sign: `0${mark}`, says: `no policy lets a row through${columns}` };
  }
  const names = (policies: readonly ReportPolicy[]) => policies.map(({ name }) => name).join("; ");
  return {
    tone: "some",
    sign: `${letting.length}${mark}`,
    says: names(letting) +
      (restricting.length === 0 ? "" : `. Restricted by: ${names(restricting)}`) + columns,
  };
}
