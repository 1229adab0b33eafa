/** Views. @module */

import type { Rule } from "../rule.ts";
import { findAll, isOn, optionsOf } from "../tree.ts";

export const VIEW_RULES: readonly Rule[] = [
  {
    code: "view-without-security-invoker",
    title: "A view of an exposed schema runs with the rights of who asks",
    level: "error",
    reason:
      "It runs with the rights of its owner otherwise, and row level security of the tables " +
      "below it is passed by",
    remedy: "Write: create view … with (security_invoker = on) as …",
    conclude(model, tell) {
      for (const relation of model.relations.values()) {
        const { schema, name, kind, isInvoker, decided, granted, place, unknown } = relation;
        if (unknown.has("options") || unknown.has("grants")) continue;
        if (kind !== "view" || isInvoker || !model.exposed.has(schema)) continue;
        // What was taken from both is not for the API.
        const isClosed = ["anon", "authenticated"].every((role) =>
          decided.has(role) && (granted.get(role)?.size ?? 0) === 0
        );
        if (isClosed) continue;
        tell(place, `The view ${schema}.${name} passes row level security by`);
      }
    },
  },
  {
    code: "view-loses-security-invoker",
    title: "A view that is replaced keeps security_invoker",
    level: "error",
    reason: "CREATE OR REPLACE VIEW forgets the options that it does not repeat",
    remedy: "Repeat it: create or replace view … with (security_invoker = on) as …",
    look({ type, node, place }, model, tell) {
      if (type !== "ViewStmt" || !node.replace) return;
      if (!model.find(node.view)?.isInvoker || isOn(optionsOf(node.options), "security_invoker")) {
        return;
      }
      tell(place, `The view ${model.nameOf(node.view)} loses security_invoker`);
    },
  },
  {
    code: "view-exposes-users",
    title: "No view of an exposed schema reads auth.users",
    level: "error",
    reason:
      "It hands out the e-mail addresses and metadata of all users; and where it runs with the " +
      "rights of who asks, it fails, as nobody may read that table",
    remedy: "Keep what is public in a table of profiles, which a trigger on auth.users fills.",
    look({ type, node, place }, model, tell) {
      const named = type === "ViewStmt"
        ? node.view
        : node.objtype === "OBJECT_MATVIEW"
        ? node.into?.rel
        : undefined;
      if (named === undefined || !model.shows(model.nameOf(named))) return;
      const reads = findAll(node.query, "RangeVar").some(({ schemaname, relname }) =>
        schemaname === "auth" && relname === "users"
      );
      if (reads) tell(place, `The view ${model.nameOf(named)} reads auth.users`, "auth.users");
    },
  },
  {
    code: "materialized-view-in-api",
    title: "A materialized view is in no exposed schema",
    level: "warn",
    reason: "It has no row level security: whoever may read it reads all of it",
    remedy: "Make it in a schema that the API does not show, and read it by a function or a view.",
    conclude(model, tell) {
      for (const { schema, name, kind, decided, granted, place } of model.relations.values()) {
        if (kind !== "materialized view" || !model.exposed.has(schema)) continue;
        const isClosed = ["anon", "authenticated"].every((role) =>
          decided.has(role) && (granted.get(role)?.size ?? 0) === 0
        );
        if (!isClosed) {
          tell(place, `The API shows all rows of the materialized view ${schema}.${name}`);
        }
      }
    },
  },
  {
    code: "foreign-table-in-api",
    title: "A foreign table is in no exposed schema",
    level: "warn",
    reason:
      "It has no row level security: whoever may read it reads all of the other server's table",
    remedy: "Make it in a schema that the API does not show, and read it by a function.",
    look({ type, node, place }, model, tell) {
      if (type === "CreateForeignTableStmt") {
        const name = model.nameOf(node.base.relation);
        if (model.shows(name)) tell(place, `The API shows the foreign table ${name}`);
      } else if (type === "ImportForeignSchemaStmt" && model.exposed.has(node.local_schema)) {
        tell(place, `The API shows the foreign tables that are imported into ${node.local_schema}`);
      }
    },
  },
  {
    code: "view-select-star",
    title: "A view names its columns",
    level: "info",
    reason:
      "What * stands for is decided when the view is made: a column that comes later is not in " +
      "it, and one of those cannot be dropped",
    remedy: "Name the columns.",
    look({ type, node, place }, model, tell) {
      if (type !== "ViewStmt") return;
      const [star] = findAll(node.query.SelectStmt?.targetList, "A_Star");
      if (star !== undefined) {
        tell(place, `The view ${model.nameOf(node.view)} selects *`, "select");
      }
    },
  },
];
