/** What is Supabase's own. @module */

import { findReserved } from "../../planning/reserved.ts";
import type { Model } from "../model.ts";
import type { Rule } from "../rule.ts";
import type { LintStatement } from "../statement.ts";
import { addedConstraints, optionsOf, textsOf, type Tree } from "../tree.ts";

/** Schemas whose objects belong to the platform. */
const MANAGED = new Set([
  "auth",
  "storage",
  "realtime",
  "_realtime",
  "vault",
  "pgsodium",
  "graphql",
  "graphql_public",
  "pgbouncer",
  "supabase_functions",
  "supabase_migrations",
  "supamigrate",
]);

const schemaOf = (name: string) => name.split(".", 1)[0]!;

/** What a statement makes, by its full name, and what kind it is. */
function makes(
  { type, node }: LintStatement,
  model: Model,
): [kind: string, name: string] | undefined {
  switch (type) {
    case "CreateStmt":
      return ["table", model.nameOf(node.relation)];
    case "ViewStmt":
      return ["view", model.nameOf(node.view)];
    case "CreateTableAsStmt":
      return ["table", model.nameOf(node.into.rel)];
    case "CreateFunctionStmt":
      return ["function", model.nameIn(node.funcname)];
    case "IndexStmt":
      return node.idxname === undefined
        ? ["index on", model.nameOf(node.relation)]
        : ["index", model.nameOf({ ...node.relation, relname: node.idxname })];
    case "CreateEnumStmt":
      return ["type", model.nameIn(node.typeName)];
    case "CompositeTypeStmt":
      return ["type", model.nameOf(node.typevar)];
    default:
      return undefined;
  }
}

export const MANAGED_RULES: readonly Rule[] = [
  {
    code: "managed-schema-object",
    title: "Nothing is made in Supabase's own schemas",
    level: "error",
    reason:
      "Since 21 April 2025 projects refuse it (42501), and what was there before may be gone " +
      "after an upgrade",
    remedy: "Make it in a schema of your own. Policies on storage and realtime, foreign keys to " +
      "auth.users and triggers on it are fine.",
    inRollback: true,
    look(statement, model, tell) {
      const made = makes(statement, model);
      if (made === undefined || !MANAGED.has(schemaOf(made[1]))) return;
      if (statement.node.relation?.relpersistence === "t") return;
      tell(statement, `The ${made[0]} ${made[1]} is made in a schema of Supabase's own`);
    },
  },
  {
    code: "managed-table-altered",
    title: "Supabase's own tables stay as they are",
    level: "error",
    reason: "They belong to Supabase: PostgreSQL refuses it (must be owner of the table)",
    remedy:
      "Leave it out: row level security is on there. Keep columns of your own in a table of " +
      "your own, with a foreign key.",
    inRollback: true,
    look({ type, node, place }, model, tell) {
      if (type !== "AlterTableStmt" && type !== "RenameStmt") return;
      if (node.relation === undefined) return;
      const name = model.nameOf(node.relation);
      if (!MANAGED.has(schemaOf(name))) return;
      // Triggers of the platform may be turned off by who may; policies are renamed by RenameStmt.
      if (["OBJECT_POLICY", "OBJECT_TRIGGER"].includes(node.renameType)) return;
      tell(place, `${name} is altered, which is Supabase's own`);
    },
  },
  {
    code: "managed-object-dropped",
    title: "Supabase's own objects are not dropped",
    level: "error",
    reason: "The platform needs them: the project's API, sign-in or storage stop working",
    remedy: "Leave it out.",
    inRollback: true,
    look({ type, node, place }, _, tell) {
      if (type !== "DropStmt") return;
      if (["OBJECT_POLICY", "OBJECT_TRIGGER", "OBJECT_EXTENSION"].includes(node.removeType)) return;
      for (const object of node.objects) {
        const parts = node.removeType === "OBJECT_SCHEMA"
          ? [object.String?.sval ?? "", ""]
          : textsOf(object.List?.items ?? object.ObjectWithArgs?.objname ?? object.TypeName?.names);
        if (parts.length < 2 || !MANAGED.has(parts.at(-2)!)) continue;
        tell(
          place,
          `${parts.filter((part) => part !== "").join(".")} is dropped, which is Supabase's own`,
        );
      }
    },
  },
  {
    code: "reserved-role",
    title: "Supabase's roles stay as they are",
    level: "error",
    reason: "Supabase refuses it over direct connections, and the API's requests may fail after it",
    remedy: "Leave it out, and make roles of your own.",
    inRollback: true,
    look(statement, _, tell) {
      for (const { says } of findReserved(statement)) tell(statement, `This ${says}`);
    },
  },
  {
    code: "users-in-migration",
    title: "No migration makes or changes users",
    level: "warn",
    reason:
      "Users are of one project, their rows are Supabase's own and change with its versions; a " +
      "known password is in every project that the migration goes to",
    remedy: "Make users by the auth API; those of a local project in a seed.",
    look({ type, node, place }, _, tell) {
      if (!["InsertStmt", "UpdateStmt", "DeleteStmt"].includes(type)) return;
      const { schemaname, relname } = node.relation;
      if (schemaname !== "auth") return;
      tell(place, `The migration writes to auth.${relname}`);
    },
  },
  {
    code: "own-records-written",
    title: "No migration writes the records of migrations",
    level: "error",
    reason:
      "History and lock say what is applied: supamigrate trusts neither once the two disagree with " +
      "its audit log, and the Supabase CLI runs files again",
    remedy: "Use supamigrate repair, baseline or adopt.",
    inRollback: true,
    look({ type, node, place }, _, tell) {
      if (!["InsertStmt", "UpdateStmt", "DeleteStmt", "TruncateStmt"].includes(type)) return;
      const written = type === "TruncateStmt"
        ? node.relations.map(({ RangeVar }: Tree) => RangeVar)
        : [node.relation];
      for (const { schemaname, relname } of written) {
        if (schemaname !== "supamigrate" && schemaname !== "supabase_migrations") continue;
        tell(place, `The migration writes to ${schemaname}.${relname}`);
      }
    },
  },
  {
    code: "user-key-without-delete",
    title: "A foreign key to auth.users says what happens when a user is deleted",
    level: "warn",
    reason: "Deleting the user fails otherwise (23503), in the dashboard and by the API",
    remedy:
      "Write on delete cascade, or on delete set null. Write on delete restrict where that is meant.",
    look(statement, _, tell) {
      for (const constraint of addedConstraints(statement)) {
        const { pktable, fk_del_action: action } = constraint;
        if (constraint.contype !== "CONSTR_FOREIGN" || action !== "a") continue;
        if (pktable.schemaname !== "auth" || pktable.relname !== "users") continue;
        tell(statement, "A foreign key to auth.users has no ON DELETE", "auth.users");
      }
    },
  },
  {
    code: "key-to-managed-table",
    title: "Foreign keys to Supabase's own tables go to auth.users (id) alone",
    level: "warn",
    reason:
      "Supabase changes its other keys and tables when it likes; a foreign key to one keeps it " +
      "from that, or is gone one day",
    remedy: "Refer to auth.users (id); keep other ids without a foreign key.",
    look(statement, _, tell) {
      for (const { contype, pktable, pk_attrs: keys } of addedConstraints(statement)) {
        if (contype !== "CONSTR_FOREIGN" || !MANAGED.has(pktable.schemaname)) continue;
        const [key = "id"] = textsOf(keys);
        if (pktable.schemaname === "auth" && pktable.relname === "users" && key === "id") continue;
        const name = `${pktable.schemaname}.${pktable.relname}`;
        tell(statement, `A foreign key refers to ${name} (${key})`, name);
      }
    },
  },
  {
    code: "realtime-publication-replaced",
    title: "The publication of Realtime is added to, not made anew",
    level: "warn",
    reason: "Every table that the dashboard or another migration has put into it is taken out",
    remedy: "Write: alter publication supabase_realtime add table …;",
    look({ type, node, place }, _, tell) {
      const is = (name: string | undefined) => name === "supabase_realtime";
      const dropped = type === "DropStmt" && node.removeType === "OBJECT_PUBLICATION" &&
        node.objects.some(({ String }: Tree) => is(String?.sval));
      const set = type === "AlterPublicationStmt" && is(node.pubname) &&
        node.action === "AP_SetObjects";
      if (dropped) tell(place, "The publication supabase_realtime is dropped");
      if (set) {
        tell(place, "ALTER PUBLICATION … SET takes all other tables out of supabase_realtime");
      }
    },
  },
  {
    code: "extension-in-public",
    title: "Extensions are made in a schema of their own",
    level: "warn",
    reason: "In public the API shows their functions, and their names stand in the way of yours",
    remedy: "Write: create extension … with schema extensions;",
    look({ type, node, place }, model, tell) {
      if (type !== "CreateExtensionStmt" || OWN_SCHEMA.has(node.extname)) return;
      const schema = optionsOf(node.options).get("schema")?.String?.sval;
      if (schema !== "public" && (schema !== undefined || model.searchPath !== "public")) return;
      tell(place, `The extension ${node.extname} is made in public`);
    },
  },
  {
    code: "extension-deprecated",
    title: "No extension is used that Supabase gives up",
    level: "warn",
    reason:
      "It is not there on PostgreSQL 17: projects that have it cannot be upgraded, and new ones " +
      "refuse the migration",
    remedy: "Do without it: pgjwt in an edge function, pgsodium by the vault, plv8 by PL/pgSQL, " +
      "timescaledb by partitions.",
    look({ type, node, place }, _, tell) {
      if (type !== "CreateExtensionStmt" || !DEPRECATED.has(node.extname)) return;
      tell(place, `The extension ${node.extname} is deprecated`);
    },
  },
  {
    code: "needs-superuser",
    title: "Nothing needs a superuser",
    level: "error",
    reason: "postgres is none on Supabase: PostgreSQL refuses it",
    remedy:
      "Leave it out. Settings of the server are made in the dashboard or by the Supabase CLI.",
    inRollback: true,
    look({ type, node, place }, _, tell) {
      const what = type === "CopyStmt"
        ? (node.is_program || node.filename !== undefined) && "COPY with a file or a program"
        : SUPERUSER[type];
      if (what) tell(place, `${what} needs a superuser`);
    },
  },
  {
    code: "owner-reserved",
    title: "Nothing is handed to a role of Supabase's own",
    level: "error",
    reason:
      "postgres is no member of it: PostgreSQL refuses it, and nothing could be changed afterwards",
    remedy: "Leave the line out, as dumps have it: what a migration makes belongs to postgres.",
    inRollback: true,
    look({ type, node, place }, _, tell) {
      const owners = type === "AlterOwnerStmt"
        ? [node.newowner]
        : type === "AlterTableStmt"
        ? node.cmds.flatMap(({ AlterTableCmd: { newowner } }: Tree) => newowner ?? [])
        : [];
      for (const { rolename = "" } of owners) {
        if (
          /^(?:supabase_\w+|pgbouncer|authenticator|dashboard_user|anon|authenticated|service_role)$/
            .test(rolename)
        ) {
          tell(place, `The owner is to be ${rolename}`, rolename);
        }
      }
    },
  },
];

/** Extensions that choose their schema themselves. */
const OWN_SCHEMA = new Set([
  "pg_cron",
  "pg_net",
  "pgmq",
  "pgsodium",
  "supabase_vault",
  "pg_graphql",
  "pg_tle",
  "plpgsql",
  "plv8",
  "pg_stat_statements",
  "postgis_topology",
  "postgis_tiger_geocoder",
  "address_standardizer",
  "pglogical",
  "timescaledb",
]);

const DEPRECATED = new Set(["pgjwt", "pgsodium", "plv8", "plcoffee", "plls", "timescaledb"]);

const SUPERUSER: Readonly<Record<string, string>> = {
  AlterSystemStmt: "ALTER SYSTEM",
  CreateTableSpaceStmt: "CREATE TABLESPACE",
  LoadStmt: "LOAD",
};
