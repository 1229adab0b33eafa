/** What the roles of the API may do. @module */

import { API_ROLES } from "../model.ts";
import type { Rule } from "../rule.ts";
import { optionsOf, rolesOf, textsOf, type Tree } from "../tree.ts";

const OPEN_TO_ALL = ["anon", "authenticated", "public"];

export const GRANT_RULES: readonly Rule[] = [
  {
    code: "table-without-grant",
    title: "A new table of an exposed schema says who may use it",
    level: "warn",
    reason:
      "Since 30 October 2026 nothing is granted on new tables by default: without a GRANT the " +
      "API answers 42501 (permission denied), for service_role too",
    remedy:
      "Grant what is needed, such as: grant select on … to anon, authenticated, service_role; " +
      "or revoke all on it from anon and authenticated, to say that the API has no part in it.",
    conclude(model, tell) {
      for (const { schema, name, kind, decided, place, unknown } of model.relations.values()) {
        if (unknown.has("grants")) continue;
        if (!model.exposed.has(schema) || kind === "partition" || decided.size > 0) continue;
        tell(place, `Nothing is granted on the ${kind} ${schema}.${name}`);
      }
    },
  },
  {
    code: "grant-to-public",
    title: "No right on rows or functions is granted to PUBLIC",
    level: "warn",
    reason: "PUBLIC is every role there is, anon and those that come later among them",
    remedy: "Name the roles: anon, authenticated, service_role.",
    look({ type, node, place }, model, tell) {
      if (type !== "GrantStmt" || !node.is_grant || !rolesOf(node.grantees).includes("public")) {
        return;
      }
      if (!["OBJECT_TABLE", "OBJECT_FUNCTION", "OBJECT_SEQUENCE"].includes(node.objtype)) return;
      const named = [
        ...node.objects.map((object: typeof node) =>
          object.RangeVar !== undefined
            ? model.nameOf(object.RangeVar)
            : object.String !== undefined
            ? `all in ${object.String.sval}`
            : model.nameIn(object.ObjectWithArgs?.objname)
        ),
      ];
      tell(place, `A right on ${named.join(", ")} is granted to PUBLIC`);
    },
  },
  {
    code: "grant-all-to-anon",
    title: "anon and authenticated are granted single rights, not ALL",
    level: "info",
    reason:
      "ALL has TRUNCATE, REFERENCES and TRIGGER in it, which row level security does not check",
    remedy: "Grant select, insert, update, delete as they are needed.",
    look({ type, node, place }, model, tell) {
      if (type !== "GrantStmt" || !node.is_grant || node.objtype !== "OBJECT_TABLE") return;
      if (node.privileges !== undefined) return;
      const roles = rolesOf(node.grantees).filter((role) =>
        role === "anon" || role === "authenticated"
      );
      if (roles.length === 0) return;
      const what = node.targtype === "ACL_TARGET_ALL_IN_SCHEMA"
        ? `all tables of ${textsOf(node.objects).join(", ")}`
        : node.objects.map(({ RangeVar }: typeof node) => model.nameOf(RangeVar)).join(", ");
      tell(place, `ALL on ${what} is granted to ${roles.join(" and ")}`);
    },
  },
  {
    code: "default-privileges-open",
    title: "Default privileges grant nothing to everybody",
    level: "warn",
    reason: "Whatever is made later is open then, also what nobody thought of when it was made",
    remedy: "Grant on each table and function where it is made.",
    look({ type, node, place }, _, tell) {
      if (type !== "AlterDefaultPrivilegesStmt" || !node.action.is_grant) return;
      if (node.action.objtype === "OBJECT_SCHEMA" || node.action.objtype === "OBJECT_TYPE") return;
      const roles = rolesOf(node.action.grantees).filter((role) => OPEN_TO_ALL.includes(role));
      if (roles.length === 0) return;
      const schemas = textsOf(optionsOf(node.options).get("schemas")?.List?.items);
      tell(
        place,
        `What is made later${schemas.length === 0 ? "" : ` in ${schemas.join(", ")}`} is open to ${
          roles.join(", ")
        }`,
      );
    },
  },
  {
    code: "grant-on-managed",
    title: "The API's roles are granted nothing in auth and vault",
    level: "error",
    reason: "There are e-mail addresses, password hashes, tokens and secrets of all users",
    remedy:
      "Copy what the application shows into a table of its own, or hand it out by a function " +
      "that checks who asks.",
    passesOver: "what they have anyhow, USAGE on the schema auth and EXECUTE on its functions",
    look({ type, node, place }, model, tell) {
      if (type !== "GrantStmt" || !node.is_grant) return;
      const roles = rolesOf(node.grantees).filter((role) => OPEN_TO_ALL.includes(role));
      if (roles.length === 0) return;
      for (const object of node.objects) {
        const name = object.RangeVar !== undefined
          ? model.nameOf(object.RangeVar)
          : object.ObjectWithArgs !== undefined
          ? model.nameIn(object.ObjectWithArgs.objname)
          : node.objtype === "OBJECT_SCHEMA"
          ? `the schema ${object.String?.sval}`
          : `${object.String?.sval}.*`;
        const schema = /^(?:the schema )?(auth|vault)(?:\.|$)/.exec(name)?.[1];
        if (schema === undefined || (schema === "auth" && isTheirs(node))) continue;
        tell(place, `A right on ${name} is granted to ${roles.join(", ")}`);
      }
    },
  },
  {
    code: "grant-to-unknown-role",
    title: "The roles of the API are spelt as they are called",
    level: "warn",
    reason: "A role of the API is meant, and PostgreSQL knows none of this name",
    remedy: "Write anon, authenticated or service_role.",
    look({ type, node, place }, _, tell) {
      if (type !== "GrantStmt") return;
      for (const role of rolesOf(node.grantees)) {
        if (API_ROLES.includes(role) || !MISSPELT.test(role)) continue;
        tell(place, `The role "${role}" is none of the API's`, role);
      }
    },
  },
];

/** Whether the API's roles have it in auth anyhow: auth.uid() is to be called by all of them. */
function isTheirs({ objtype, privileges }: Tree): boolean {
  return /^OBJECT_(?:FUNCTION|ROUTINE|PROCEDURE)$/.test(objtype) ||
    (objtype === "OBJECT_SCHEMA" && privileges !== undefined &&
      privileges.every(({ AccessPriv }: Tree) => AccessPriv.priv_name === "usage"));
}

const MISSPELT =
  /^(?:anonymous|anonym|anon_?user|authenticate|authentificated|authenticated_?users?|auth|service|service_?key|servicerole|logged_?in)$/i;
