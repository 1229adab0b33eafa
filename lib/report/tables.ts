/** The view of tables: each opens with all that the catalogue has of it. @module */

import type { ReportData } from "./data.ts";
import { shortName } from "./diagram.ts";
import { anchor, type Content, type Html, markup } from "./html.ts";
import {
  badge,
  code,
  count,
  grid,
  list,
  migrationLink,
  shortType,
  size,
  tableLink,
} from "./parts.ts";
import type { ReportColumn, ReportReference, ReportTable } from "./schema.ts";
import type { TableChange } from "./changes.ts";

const TONES = { added: "good", changed: "warn", removed: "bad" } as const;

/** The view. */
export function viewTables(data: ReportData): Html {
  const { schema: { tables }, changes, migrations } = data;
  const changeOf = new Map(
    changes.known ? changes.value.map((change) => [change.id, change]) : [],
  );
  const referring = new Map<string, { from: string; key: ReportReference }[]>();
  for (const { id, references } of tables) {
    for (const key of references) {
      referring.set(key.target, [...referring.get(key.target) ?? [], { from: id, key }]);
    }
  }
  const made = new Map<string, { name: string; made: boolean }[]>();
  for (const { name, tables, state, reason } of migrations) {
    const hasRun = state === "applied" || reason === "checksum_mismatch";
    for (const { id, made: isMaker } of tables) {
      // What is there, a migration that has not run has neither made nor changed.
      if (!hasRun && changeOf.get(id)?.change !== "added") continue;
      made.set(id, [...made.get(id) ?? [], { name, made: isMaker }]);
    }
  }
  if (tables.length === 0) return markup`<p class="lead">There are no tables yet.</p>`;
  return markup`
    <p class="lead">${count(tables.length, "table and view", "tables and views")}.</p>
    <div class="items">${
    tables.map((table) =>
      viewTable(
        table,
        changeOf.get(table.id),
        referring.get(table.id) ?? [],
        made.get(table.id) ?? [],
      )
    )
  }</div>
  `;
}

function viewTable(
  table: ReportTable,
  change: TableChange | undefined,
  referring: readonly { from: string; key: ReportReference }[],
  migrations: readonly { name: string; made: boolean }[],
): Html {
  const { id, kind, rows, bytes, columns, comment, rls, policies } = table;
  const isTable = kind.endsWith("table");
  return markup`
    <details id="${anchor("table", id)}" data-item data-table="${id}" class="item">
      <summary>
        <span class="name">${shortName(id)}</span>
        ${change !== undefined && badge(TONES[change.change], change.change)}
        ${kind !== "table" && badge("plain", kind)}
        ${isTable && !rls && badge("bad", "no row level security")}
        <span class="facts"><span>${count(columns.length, "column")}</span>${
    policies.length > 0 && markup`<span>${count(policies.length, "policy", "policies")}</span>`
  }${rows !== null && markup`<span>about ${count(rows, "row")}</span>`}</span>
      </summary>
      <div class="body">
        ${comment !== null && markup`<p>${comment}</p>`}
        ${viewChange(change)}
        ${viewOrigin(migrations)}
        ${viewColumns(table)}
        ${
    referring.length > 0 && markup`<p>Referred to by ${
      referring.map(({ from, key }, index) =>
        markup`${index > 0 && ", "}${tableLink(from)} (${key.columns.join(", ")})`
      )
    }.</p>`
  }
        ${viewParts(table)}
        ${viewPolicies(table)}
        ${viewGrants(table)}
        <p class="muted">Owner ${table.owner}${
    bytes !== null && `, ${size(bytes)} with its indexes`
  }${rows === null && kind === "table" && ", rows not counted yet"}${
    isTable && `, row level security ${rls ? "on" : "off"}`
  }${table.forced && ", for its owner too"}.</p>
      </div>
    </details>
  `;
}

function viewChange(change: TableChange | undefined): Html | false {
  if (change === undefined) return false;
  const { change: what, details } = change;
  const says = {
    added: "Pending migrations make it; it is shown as they make it.",
    removed: "Pending migrations drop it.",
    changed: "Pending migrations change it:",
  };
  return markup`<div class="note ${TONES[what]}">${says[what]}${list(details)}</div>`;
}

function viewOrigin(migrations: readonly { name: string; made: boolean }[]): Html | false {
  const maker = migrations.findLast(({ made }) => made);
  const last = migrations.at(-1);
  if (last === undefined) return false;
  return markup`<p>${maker !== undefined && markup`Made by ${migrationLink(maker.name)}`}${
    last.name !== maker?.name &&
    markup`${maker === undefined ? "Last" : ", last"} changed by ${migrationLink(last.name)}`
  }.</p>`;
}

function viewColumns({ columns, constraints, references }: ReportTable): Html {
  const primary = new Set(
    constraints.filter(({ kind }) => kind === "primary key").flatMap(({ columns }) => columns),
  );
  return grid(
    "Columns",
    ["Column", "Type", ""],
    columns.map((column) => [
      column.name,
      shortType(column.type),
      noteColumn(column, primary, references),
    ]),
    "columns",
  );
}

function noteColumn(
  { name, required, identity, generated, default: otherwise, comment }: ReportColumn,
  primary: ReadonlySet<string>,
  references: readonly ReportReference[],
): Content {
  const notes: Content[] = [];
  if (primary.has(name)) notes.push(markup`<strong>key</strong>`);
  for (const { columns, target, onDelete } of references) {
    if (!columns.includes(name)) continue;
    const others = columns.length > 1
      ? ` with ${columns.filter((it) => it !== name).join(", ")}`
      : "";
    notes.push(
      markup`→ ${tableLink(target)}${others}${onDelete !== null && ` (on delete ${onDelete})`}`,
    );
  }
  if (!required) notes.push("optional");
  if (identity !== undefined) notes.push(`identity, ${identity}`);
  if (generated !== undefined) notes.push(markup`generated: <code>${generated}</code>`);
  if (otherwise !== undefined) notes.push(markup`default <code>${otherwise}</code>`);
  if (comment !== undefined) notes.push(comment);
  return notes.map((note, index) => markup`${index > 0 && "; "}${note}`);
}

function viewParts({ constraints, indexes, triggers, definition }: ReportTable): Html {
  const shown = constraints.filter(({ kind }) => kind !== "primary key");
  // Those of constraints are there with these.
  const own = new Set(constraints.map(({ name }) => name));
  const others = indexes.filter(({ name, valid }) => !own.has(name) || !valid);
  return markup`
    ${
    shown.length > 0 && fold(
      count(shown.length, "constraint"),
      shown.map(({ name, definition }) => markup`${name}: <code>${definition}</code>`),
    )
  }
    ${
    others.length > 0 && fold(
      count(others.length, "index", "indexes"),
      others.map(({ name, definition, valid }) =>
        markup`${name}: <code>${definition.replace(INDEX, "$1")}</code>${
          !valid && badge("bad", "invalid")
        }`
      ),
    )
  }
    ${
    triggers.length > 0 && fold(
      count(triggers.length, "trigger"),
      triggers.map(({ name, definition, enabled }) =>
        markup`${name}: <code>${
          definition.replace(TRIGGER, "$1$2").replace(" FOR EACH ROW", "")
        }</code>${!enabled && badge("bad", "off")}`
      ),
    )
  }
    ${definition !== null && markup`<h3>Query</h3>${code(definition)}`}
  `;
}

/** What the name of an index and of its table make of its definition. */
const INDEX = /^CREATE (UNIQUE )?INDEX .*? ON .*? USING (?:btree )?/;

const TRIGGER = /^CREATE (CONSTRAINT )?TRIGGER .*?((?:BEFORE|AFTER|INSTEAD OF) [^(]*?) ON \S+/;

function fold(title: string, items: readonly Content[]): Html {
  return markup`<details class="fold"><summary>${title}</summary>${list(items)}</details>`;
}

function viewPolicies({ policies }: ReportTable): Html | false {
  return policies.length > 0 &&
    markup`<details class="fold"><summary>${
      count(policies.length, "policy", "policies")
    }</summary>${
      policies.map(({ name, command, permissive, roles, using, check }) =>
        markup`
        <p><strong>${name}</strong> ${badge("plain", command)} to ${roles.join(", ")}${
          !permissive && markup` ${badge("warn", "restrictive")}`
        }</p>
        ${using !== null && markup`<p class="clause">using <code>${using}</code></p>`}
        ${check !== null && markup`<p class="clause">with check <code>${check}</code></p>`}
      `
      )
    }</details>`;
}

function viewGrants({ grants }: ReportTable): Html | false {
  return grants.length > 0 &&
    fold(
      count(grants.length, "grant"),
      grants.map(({ grantee, privileges, columns }) =>
        markup`<code>${grantee}</code>: ${privileges.join(", ")}${
          columns !== null && ` on ${columns.join(", ")} alone`
        }`
      ),
    );
}
