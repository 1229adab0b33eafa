import assert from "node:assert/strict";
import { type Platform, testEverywhere } from "./platform.ts";

/** Tables with no policy but the one that locks out suspended accounts, and why. */
const withoutPolicies: readonly string[] = [];

/** What anon may do in public: read these tables, call no function. */
const publicTables = [
  "categories",
  "celebrities",
  "celebrity_categories",
  "celebrity_media",
  "reviews",
];

async function list({ sql }: Platform, query: string): Promise<unknown[]> {
  return (await sql(`select offender from (${query}) as found (offender) order by 1`))
    .map(({ offender }) => offender);
}

function rule(name: string, expected: readonly unknown[], query: string): void {
  testEverywhere(name, async (platform) => {
    assert.deepEqual(await list(platform, query), expected);
  });
}

testEverywhere("the areas have 31, 6, 3, 4 and 15 tables, and all of them exist", async (at) => {
  const areas = await at.sql(`
    select area, count(*)::int as tables, count(to_regclass('public.' || table_name))::int as there
      from app_private.platform_tables() group by area`);
  assert.deepEqual(
    areas.map(({ area, tables, there }) => [area, tables, there]).sort(),
    [
      ["Analytics", 4, 4],
      ["Communication", 3, 3],
      ["Core business", 31, 31],
      ["Security and RBAC", 6, 6],
      ["Specialised", 15, 15],
    ],
  );
});

const tables = `
  select oid, relname from pg_class
   where relnamespace = 'public'::regnamespace and relkind in ('r', 'p')`;

rule(
  "every table belongs to an area or to a later migration",
  ["celebrity_ratings"],
  `select relname from (${tables}) t
    where relname not in (select table_name from app_private.platform_tables())`,
);

rule(
  "every table has row level security",
  [],
  `select relname from pg_class
    where oid in (select oid from (${tables}) t) and not relrowsecurity`,
);

rule(
  "every table has a policy that lets somebody in",
  withoutPolicies,
  `select relname from (${tables}) t
    where not exists (select from pg_policy where polrelid = t.oid and polpermissive)`,
);

rule(
  "every table locks out suspended accounts",
  [],
  `select relname from (${tables}) t
    where not exists (
      select from pg_policy
       where polrelid = t.oid and not polpermissive and polcmd = '*'
         and pg_get_expr(polqual, polrelid) ~ 'is_locked_out')`,
);

rule(
  "policies run auth.uid() and the like once in a query",
  [],
  `select distinct policyname from pg_policies
    where regexp_replace(concat(qual, with_check), 'SELECT (auth|app_private)\\.[^)]*\\)', '', 'g')
          ~ '(auth\\.\\w+|is_locked_out|has_permission\\(''|my_\\w+_ids)\\('`,
);

rule(
  "no role has two permissive policies for one command, which would both be asked",
  [],
  `select tablename || ' ' || role || ' ' || command
     from pg_policies, unnest(roles) as role,
          unnest(case cmd when 'ALL' then array['SELECT', 'INSERT', 'UPDATE', 'DELETE']
                          else array[cmd] end) as command
    where schemaname = 'public' and permissive = 'PERMISSIVE'
    group by tablename, role, command having count(*) > 1`,
);

rule(
  "every foreign key has an index that begins with its columns",
  [],
  `select conrelid::regclass || ' ' || conname
     from pg_constraint c
    where contype = 'f' and connamespace = 'public'::regnamespace
      and not exists (
        select from pg_index i
         where i.indrelid = c.conrelid and i.indpred is null and i.indisvalid
           and (i.indkey::int2[])[0:cardinality(c.conkey) - 1] @> c.conkey
           and (i.indkey::int2[])[0:cardinality(c.conkey) - 1] <@ c.conkey)`,
);

rule(
  "no index repeats another",
  [],
  `select indexrelid::regclass from pg_index one
    where exists (
      select from pg_index other
       where other.indrelid = one.indrelid and other.indexrelid <> one.indexrelid
         and other.indkey = one.indkey and other.indclass = one.indclass
         and other.indoption = one.indoption and other.indcollation = one.indcollation
         and (other.indisunique or one.indexrelid > other.indexrelid)
         and not one.indisunique
         and other.indpred::text is not distinct from one.indpred::text)`,
);

rule(
  // Updates of a table that has BEFORE triggers then lock rows as if keys changed, and two of them
  // whose rows another table refers to wait for each other.
  "no generated column is part of a unique index",
  [],
  `select indexrelid::regclass from pg_index
     join pg_attribute on attrelid = indrelid and attnum = any (indkey)
    where indisunique and attgenerated <> '' and indrelid in (select oid from (${tables}) t)`,
);

const functions = `
  select p.oid, p.proname, n.nspname, p.proconfig, p.prosecdef
    from pg_proc p join pg_namespace n on n.oid = p.pronamespace
   where n.nspname in ('public', 'app_private')
     and not exists (select from pg_depend
                      where classid = 'pg_proc'::regclass and objid = p.oid and deptype = 'e')`;

rule(
  "every function has a pinned search_path",
  [],
  `select oid::regprocedure::text from (${functions}) f
    where not exists (select from unnest(proconfig) as c where c like 'search\\_path=%')`,
);

rule(
  "SECURITY DEFINER functions stand in the private schema; the door of the tool is the exception",
  ["exec_sql(text,jsonb)"],
  `select oid::regprocedure::text from (${functions}) f where prosecdef and nspname = 'public'`,
);

rule(
  "anon executes no function of the platform, SECURITY DEFINER or not",
  [],
  `select oid::regprocedure::text from (${functions}) f
    where has_function_privilege('anon', oid, 'execute')`,
);

rule(
  "users execute what policies and the API call, and no helper beside it",
  [
    "booking_side",
    "exec_sql",
    "made_btree_gist",
    "platform_tables",
    "require",
    "setting",
    "split_minor",
    "tax_rate",
  ],
  `select distinct proname::text collate "C" from (${functions}) f
    where not has_function_privilege('authenticated', oid, 'execute')
      and (select prorettype from pg_proc where pg_proc.oid = f.oid) <> 'trigger'::regtype`,
);

rule(
  "no one but the owner executes a trigger's function",
  [],
  `select oid::regprocedure::text from (${functions}) f
    where (select prorettype from pg_proc where pg_proc.oid = f.oid) = 'trigger'::regtype
      and (has_function_privilege('anon', oid, 'execute')
           or has_function_privilege('authenticated', oid, 'execute'))`,
);

rule(
  "anon reads the public tables, and has no other privilege on any column of any table",
  publicTables.map((name) => `${name} SELECT`),
  `select distinct table_name || ' ' || privilege_type from information_schema.column_privileges
    where table_schema in ('public', 'app_private') and grantee in ('anon', 'PUBLIC')
   union
   select table_name || ' ' || privilege_type from information_schema.table_privileges
    where table_schema in ('public', 'app_private') and grantee in ('anon', 'PUBLIC')`,
);

rule(
  "users cannot truncate, refer to, or put triggers on any table",
  [],
  `select table_name || ' ' || privilege_type from information_schema.table_privileges
    where table_schema = 'public' and grantee in ('authenticated', 'service_role')
      and privilege_type not in ('SELECT', 'INSERT', 'UPDATE', 'DELETE')`,
);

rule(
  "users have no grant to change roles, states, owners, amounts of others, or what staff verified",
  [
    "booking_requests budget_minor", // what a customer would pay
    "celebrity_rates amount_minor", // what a celebrity asks
    "celebrity_representatives commission_rate", // what a celebrity gives, checked in the policy
    "fraud_cases status", // staff alone, by policy
    "organization_members role", // of others below oneself, checked in the policy
  ],
  `select table_name || ' ' || column_name from information_schema.column_privileges
    where table_schema = 'public' and grantee = 'authenticated' and privilege_type = 'UPDATE'
      and column_name ~ '(^role|role_code|status|_minor|_rate|verified|listed|_id|_by|hash|side)$'
      and (table_name, column_name) not in (
        ('celebrity_representatives', 'organization_id'), ('events', 'venue_id'),
        ('categories', 'parent_id'))`,
);

rule(
  "append-only tables refuse updates, deletes and truncation by triggers",
  ["audit_log", "booking_status_history", "ledger_entries"],
  `select tgrelid::regclass::text from pg_trigger
    where tgfoid = 'app_private.refuse_change'::regproc group by tgrelid
   having bit_or(tgtype::int) & 56 = 56`,
);

rule(
  "tables with updated_at keep it by a trigger",
  [],
  `select relname from (${tables}) t join pg_attribute on attrelid = t.oid
    where attname = 'updated_at' and relname <> 'app_settings' and not exists (
      select from pg_trigger
       where tgrelid = t.oid and tgfoid = 'app_private.touch_updated_at'::regproc)`,
);

rule(
  "every table, type of its own kind and function says what it is for",
  [],
  `select relname::text from (${tables}) t where obj_description(oid, 'pg_class') is null
   union all
   select oid::regprocedure::text from (${functions}) f
    where nspname = 'public' and obj_description(oid, 'pg_proc') is null
   union all
   select typname::text from pg_type
    where typnamespace = 'public'::regnamespace and typtype = 'd'
      and typname not in ('https_url', 'sha256_digest') and obj_description(oid, 'pg_type') is null`,
);

rule(
  "essential data is whole: countries, currencies, and an administrator who may do everything",
  ["249 countries", "38 currencies"],
  `select count(*) || ' countries' from public.countries where name ~ '^\\S.*\\S$'
   union all
   select count(*) || ' currencies' from public.currencies
   union all
   select code || ' is not the administrator''s' from public.permissions
    where code not in (
      select permission_code from public.role_permissions where role_code = 'administrator')
   union all
   select code || ' is nobody''s' from public.roles
    where code not in (select role_code from public.role_permissions)`,
);
