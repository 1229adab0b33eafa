/** Who can get at what. @module */

import {
  type Check,
  type Finding,
  findSchemaGap,
  INSTALL,
  nameSome,
  type Remedy,
  toSql,
} from "./check.ts";
import { findForeignFunctions } from "./code.ts";
import type { CatalogFacts } from "./facts.ts";

/** What was granted is revoked by the owner; in the SQL editor one is postgres. */
function adviseOwner(owner: string, { usual_owner: usual }: CatalogFacts): Remedy {
  return usual === null || owner === usual
    ? {}
    : { advice: `It belongs to ${owner}: run this as that role, or as a superuser.` };
}

const callers: Check = {
  id: "callers",
  title: "service_role alone may call exec_sql",
  examine: ({ catalog }) =>
    catalog.doors.filter(({ callers }) => callers.length > 0).map((door) => {
      const { name, granted_to: grantees, callers, members } = door;
      const everybody = grantees.includes("public");
      return {
        problem: `${name} is executable by ${everybody ? "everybody (PUBLIC)" : nameSome(callers)}`,
        why: "Who may call it can run any SQL with the rights of its owner.",
        mend: {
          ...adviseOwner(door.owner, catalog),
          sql: toSql([
            ...(grantees.length === 0
              ? []
              : [`revoke execute on function ${name} from ${grantees.join(", ")};`]),
            ...members.map((role) => `revoke service_role from ${role};`),
          ]),
        },
      };
    }),
};

const otherDoors: Check = {
  id: "other-doors",
  title: "no other function runs any SQL for the public key",
  examine: ({ catalog, otherDoors }) =>
    otherDoors.map(({ name, owner, becomes, callers }) => ({
      problem: `${name} runs SQL that it is given, ${
        becomes === null ? "with its owner's rights" : `as ${becomes}`
      }, for ${callers.join(" and ")}`,
      why:
        "It looks like a way around exec_sql: anybody with the public key could change anything.",
      mend: {
        ...adviseOwner(owner, catalog),
        sql: `revoke execute on function ${name} from public, anon, authenticated;`,
      },
    })),
};

const searchPath: Check = {
  id: "search-path",
  title: "nobody else may create what migrations would find in place of what they name",
  examine: ({ catalog: { creators, user_schema: userSchema } }) => {
    const findings = userSchema === null ? [] : [findUserSchema(userSchema)];
    if (creators.length === 0) return findings;
    const roles = [...new Set(creators.map(({ role }) => role))].sort();
    const schemasOf = (role: string) =>
      creators.filter((creator) => creator.role === role).map(({ schema }) => schema);
    return [...findings, {
      problem: roles.map((role) => `${role} may create in ${schemasOf(role).join(" and ")}`)
        .join(", "),
      why: "A function there that fits a call better than the built-in one runs with the rights " +
        "of the migration.",
      mend: {
        sql: toSql(
          creators.map(({ schema, role }) => `revoke create on schema ${schema} from ${role};`),
        ),
      },
    }];
  },
};

function findUserSchema(
  { schema, owner }: NonNullable<CatalogFacts["user_schema"]>,
): Omit<Finding, "check"> {
  const name = schema.replace(/^"|"$/g, "");
  return {
    problem: `The schema ${schema}, which is called like exec_sql's owner, belongs to ${owner}`,
    why:
      'It comes first on a migration\'s search_path ("$user"): what is in it is found in place ' +
      "of what the migration names, and runs with the migration's rights.",
    mend: {
      advice: `Run this as ${owner}, or as a superuser; what uses the schema has to be told.`,
      sql: `alter schema ${schema} rename to "${name}_of_${owner.replace(/^"|"$/g, "")}";`,
    },
  };
}

const exposure: Check = {
  id: "exposure",
  title: "no role of the API reaches the tracking schema",
  examine: (facts) => {
    const { catalog, api } = facts;
    if (catalog.schema === null) return findSchemaGap(facts)!;
    // Functions that have no business there are another check's.
    const foreign = new Set(findForeignFunctions(facts).map(({ signature }) => signature));
    const privileges = catalog.privileges.filter(({ object }) => !foreign.has(object));
    const findings = [];
    if (privileges.length > 0 || catalog.default_privileges.length > 0) {
      const named = privileges.map(({ object, role, privileges }) =>
        `${role} has ${privileges.join(", ")} on ${object}`
      );
      findings.push({
        problem: nameSome([...named, ...describeDefaults(catalog)], 4),
        why: "History, lock and log are changed by exec_sql alone, so that a run can rely on them.",
        mend: {
          sql: toSql([
            ...privileges.map(toRevoke),
            ...catalog.default_privileges.map(toDefaultRevoke),
          ]),
        },
      });
    }
    const setting = catalog.stored_settings.find(({ name, value }) =>
      name === "pgrst.db_schemas" && toNames(value).includes("supamigrate")
    );
    if (setting !== undefined || api?.showsSchema) {
      findings.push({
        problem: "The API shows the schema supamigrate",
        why: "Its tables and functions are a grant away from everybody who has a key.",
        mend: setting === undefined
          ? {
            advice:
              "Take supamigrate out of the exposed schemas: in the project's settings under " +
              "Data API, or in PGRST_DB_SCHEMAS where you run PostgREST yourself.",
          }
          : {
            sql: toSql([
              `alter role ${setting.role ?? "authenticator"}${
                setting.database === null ? "" : ` in database ${setting.database}`
              } set pgrst.db_schemas = '${
                toNames(setting.value).filter((name) => name !== "supamigrate").join(", ")
              }';`,
              "notify pgrst, 'reload config';",
            ]),
          },
      });
    }
    return findings;
  },
};

function toNames(list: string): string[] {
  return list.split(",").map((name) => name.trim());
}

function toRevoke(
  { kind, role }: CatalogFacts["privileges"][number],
): string {
  return kind === "schema"
    ? `revoke all on schema supamigrate from ${role};`
    : `revoke all on all ${kind}s in schema supamigrate from ${role};`;
}

function describeDefaults({ default_privileges }: CatalogFacts): string[] {
  return default_privileges.map(({ kind, role, owner }) =>
    `new ${kind} of ${owner} are granted to ${role}`
  );
}

function toDefaultRevoke(
  { owner, kind, role }: CatalogFacts["default_privileges"][number],
): string {
  return `alter default privileges for role ${owner} in schema supamigrate ` +
    `revoke all on ${kind} from ${role};`;
}

const owner: Check = {
  id: "owner",
  title: "one role, which is no superuser, owns everything",
  examine: (facts) => {
    const { catalog } = facts;
    if (catalog.schema === null) return findSchemaGap(facts)!;
    const { schema, usual_owner: usual } = catalog;
    const foreign = new Set(findForeignFunctions(facts).map(({ signature }) => signature));
    const expected = schema.owner_is_superuser ? usual ?? schema.owner : schema.owner;
    const others = [
      ...(schema.owner === expected
        ? []
        : [{ what: "schema", name: "supamigrate", owner: schema.owner }]),
      ...catalog.relations.filter(({ is_table }) => is_table)
        .map(({ name, owner }) => ({ what: "table", name, owner })),
      ...catalog.functions.filter(({ signature }) => !foreign.has(signature)).map((
        { signature, owner },
      ) => ({
        what: "function",
        name: signature,
        owner,
      })),
    ].filter(({ owner }) => owner !== expected);
    if (others.length === 0) return [];
    const quoted = `"${expected.replaceAll('"', '""')}"`;
    return [{
      problem: `Not everything belongs to ${expected}: ${
        nameSome(others.map(({ name, owner }) => `${name} to ${owner}`), 3)
      }`,
      why: "exec_sql runs migrations with its owner's rights, on tables that it has to own.",
      mend: {
        advice: "As their owner, or as a superuser. Then install takes exec_sql for its own again.",
        sql: toSql(others.map(({ what, name }) => `alter ${what} ${name} owner to ${quoted};`)),
        command: INSTALL,
      },
    }];
  },
};

/** Who can get at what. */
export const ACCESS_CHECKS: readonly Check[] = [callers, otherDoors, searchPath, exposure, owner];
