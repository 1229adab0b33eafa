import type { Sql } from "../support/session.ts";

/** Whether the tracking schema is part of what is described. */
export interface CatalogOptions {
  readonly tracking?: boolean;
}

/**
 * Everything that a migration can change, a line each, in an order that does not depend on how it
 * came about: what two databases, or one at two times, are compared by. Leaves out PostgreSQL's
 * own schemas, members of extensions, and how far sequences have counted.
 */
export async function describeCatalog(sql: Sql, options: CatalogOptions = {}): Promise<string[]> {
  const rows = await sql(catalogSql(options.tracking ?? false));
  const tables = await sql(`
    select format('%I.%I', n.nspname, c.relname) as name
      from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where c.relkind in ('r', 'm') and c.relpersistence <> 't'
       and n.nspname !~ '^(pg_|information_schema$|supamigrate$)'
  `);
  const contents = tables.length === 0 ? [] : await sql(
    tables.map(({ name }) => `
      select '${name} holds ' || count(*) || ' rows ' ||
             coalesce(md5(string_agg(t::text, '|' order by t::text)), '') as line
        from ${name} t`).join(" union all "),
  );
  return [...rows, ...contents].map(({ line }) => String(line))
    .filter((line) => !line.includes("schema_cache_")) // what reloadSchema() renames
    .sort();
}

/**
 * A number that stays the same as long as nothing but the tracking tables' rows is touched. It
 * costs a tenth of {@linkcode describeCatalog}, and also changes where a change was taken back.
 */
export async function readFingerprint(sql: Sql): Promise<string> {
  const versions = [
    "pg_class where relnamespace <> to_regnamespace('supamigrate')",
    "pg_trigger where tgname !~ '^migration_log_is_'",
    ...["proc", "type", "constraint", "policy", "attrdef", "default_acl", "extension"].map((name) =>
      `pg_${name} where true`
    ),
    ...["publication", "publication_rel", "event_trigger", "cast", "operator"].map((name) =>
      `pg_${name} where true`
    ),
  ].map((source) => `select oid::text || ' ' || xmin from ${source} and oid >= 16384`);
  const [row] = await sql(`
    select sum(hashtextextended(version, 0)) as fingerprint from (
      ${versions.join(" union all ")}
      union all select oid::text || ' ' || xmin from pg_namespace
      union all select attrelid || ' ' || attnum || ' ' || xmin from pg_attribute
                 where attrelid >= 16384 and attnum > 0
      union all select r::text from pg_roles r
      union all select s::text from pg_db_role_setting s
      union all select t::text from storage.buckets t
      union all select t.id::text from auth.users t
    ) versions (version)
  `);
  return String(row?.fingerprint);
}

function catalogSql(tracking: boolean): string {
  return `
    with known_schema as (
      select oid, nspname
        from pg_namespace
       where nspname !~ '^pg_' and nspname <> 'information_schema'
         ${tracking ? "" : "and nspname <> 'supamigrate'"}
    ), extension_member as (
      select classid, objid from pg_depend where deptype = 'e'
    ), relation as (
      select format('%I.%I', n.nspname, c.relname) as name, c.*
        from pg_class c join known_schema n on n.oid = c.relnamespace
       where c.relpersistence <> 't'
         and not exists (
           select from extension_member
            where classid = 'pg_class'::regclass and objid = c.oid)
    )
    select concat_ws(' ', 'schema', n.nspname, n.nspowner::regrole, ${acl("n.nspacl")}) as line
      from pg_namespace n where n.oid in (select oid from known_schema)
    union all
    select concat_ws(' ', o.type, o.identity)
      from pg_depend d cross join lateral pg_identify_object(d.classid, d.objid, d.objsubid) o
     where d.refclassid = 'pg_namespace'::regclass and d.deptype = 'n'
       and d.refobjid in (select oid from known_schema)
       and not exists (
         select from extension_member e where e.classid = d.classid and e.objid = d.objid)
    union all
    select concat_ws(' ', 'relation', relkind, name, relowner::regrole, relpersistence,
                     relrowsecurity, relforcerowsecurity, reloptions, ${acl("relacl")})
      from relation
    union all
    select concat_ws(' ', 'column', r.name, a.attname, format_type(a.atttypid, a.atttypmod),
                     a.attnotnull, a.attidentity, a.attgenerated, pg_get_expr(d.adbin, d.adrelid),
                     ${acl("a.attacl")})
      from relation r
      join pg_attribute a on a.attrelid = r.oid and a.attnum > 0 and not a.attisdropped
      left join pg_attrdef d on d.adrelid = r.oid and d.adnum = a.attnum
     where r.relkind <> 'i'
    union all
    select concat_ws(' ', 'constraint', conrelid::regclass, contypid::regtype, conname,
                     pg_get_constraintdef(c.oid), convalidated)
      from pg_constraint c where connamespace in (select oid from known_schema)
    union all
    select pg_get_indexdef(oid) from relation where relkind in ('i', 'I')
    union all
    select concat_ws(' ', 'view', name, pg_get_viewdef(oid))
      from relation where relkind in ('v', 'm')
    union all
    select concat_ws(' ', p.proowner::regrole, ${acl("p.proacl")}, pg_get_functiondef(p.oid))
      from pg_proc p
     where p.pronamespace in (select oid from known_schema) and p.prokind in ('f', 'p')
       and not exists (
         select from extension_member where classid = 'pg_proc'::regclass and objid = p.oid)
    union all
    select concat_ws(' ', pg_get_triggerdef(t.oid), tgenabled)
      from pg_trigger t join relation r on r.oid = tgrelid where not tgisinternal
    union all
    select concat_ws(' ', 'policy', polname, r.name, polcmd, polpermissive,
                     polroles::regrole[], pg_get_expr(polqual, polrelid),
                     pg_get_expr(polwithcheck, polrelid))
      from pg_policy join relation r on r.oid = polrelid
    union all
    select concat_ws(' ', 'type', t.oid::regtype, t.typtype, t.typowner::regrole,
                     ${acl("t.typacl")},
                     (select array_agg(enumlabel order by enumsortorder)
                        from pg_enum where enumtypid = t.oid))
      from pg_type t where t.typnamespace in (select oid from known_schema) and typtype in ('e', 'd', 'r')
    union all
    select concat_ws(' ', 'publication', pubname, p.puballtables, prrelid::regclass)
      from pg_publication p left join pg_publication_rel on prpubid = p.oid
    union all
    select concat_ws(' ', 'extension', extname, extnamespace::regnamespace, extversion)
      from pg_extension
    union all
    select concat_ws(' ', 'default privileges', defaclrole::regrole,
                     nullif(defaclnamespace, 0)::regnamespace, defaclobjtype, ${acl("defaclacl")})
      from pg_default_acl
    union all
    select concat_ws(' ', 'event trigger', evtname, evtevent, evtenabled, evtfoid::regprocedure)
      from pg_event_trigger
    union all
    select concat_ws(' ', 'role', rolname, rolsuper, rolcanlogin, rolbypassrls, rolconfig)
      from pg_roles where rolname !~ '^pg_'
    union all
    select concat_ws(' ', 'member', roleid::regrole, member::regrole) from pg_auth_members
    union all
    select concat_ws(' ', 'setting', d.datname, s.setrole, s.setconfig)
      from pg_db_role_setting s join pg_database d on d.oid = s.setdatabase
     where d.datname = current_database()
    union all
    select concat_ws(' ', 'comment', o.type, o.identity, c.description)
      from pg_description c cross join lateral pg_identify_object(c.classoid, c.objoid, c.objsubid) o
     where c.objoid >= 16384 ${tracking ? "" : "and o.identity !~ '^supamigrate'"}
  `;
}

/** Privileges in one order, whatever the one they were granted in. */
function acl(column: string): string {
  return `(select string_agg(item::text, ' ' order by item::text) from unnest(${column}) item)`;
}

/** The comment of functions in `public` that stay from test to test. */
export const SHARED_BY_TESTS = "shared by tests";

/**
 * Takes away what a test left outside of the platform's own schemas and in its tables. What it
 * does not reach shows when the catalog is compared afterwards.
 */
export const CLEAR_SQL = `
  set lock_timeout = '3s';
  do $$ begin
    -- Event triggers rest: PostgREST need not reload its schema cache for this.
    if (select rolsuper from pg_roles where rolname = current_user) then
      set session_replication_role = replica;
    end if;
  end $$;
  do $$
  declare
    target record;
  begin
    for target in
      select extname as name from pg_extension
       where extname not in ('plpgsql', 'uuid-ossp', 'pgcrypto', 'pg_stat_statements',
                             'supabase_vault')
    loop
      execute format('drop extension %I cascade', target.name);
    end loop;
    for target in
      select nspname as name from pg_namespace
       where nspname !~ '^pg_'
         and nspname not in ('information_schema', 'public', 'auth', 'storage', 'realtime',
                             'extensions', 'supamigrate', 'graphql', 'graphql_public', 'vault',
                             'pgbouncer', 'supabase_functions')
    loop
      execute format('drop schema %I cascade', target.name);
    end loop;
    for target in
      select polname as name, polrelid::regclass as relation from pg_policy
       where polrelid::regclass::text ~ '^(storage|realtime)'
    loop
      execute format('drop policy %I on %s', target.name, target.relation);
    end loop;
    loop
      select case o.type when 'statistics object' then 'statistics' else o.type end as type, o.identity
        into target
        from pg_depend d cross join lateral pg_identify_object(d.classid, d.objid, d.objsubid) o
       where d.refclassid = 'pg_namespace'::regclass and d.refobjid = 'public'::regnamespace
         and d.deptype = 'n'
         and not exists (
           select from pg_depend e
            where e.classid = d.classid and e.objid = d.objid and e.objsubid = 0
              and e.deptype = 'i')
         and (d.classid <> 'pg_proc'::regclass
              or d.objid is distinct from to_regprocedure('public.exec_sql(text, jsonb)')
                 and obj_description(d.objid, 'pg_proc') is distinct from '${SHARED_BY_TESTS}')
       limit 1;
      exit when not found;
      execute format('drop %s %s cascade', target.type, target.identity);
    end loop;
  end
  $$;
  set storage.allow_delete_query = 'true';
  delete from storage.objects;
  delete from storage.buckets;
  reset storage.allow_delete_query;
  delete from auth.users;
  do $$ begin
    if to_regclass('vault.secrets') is not null then
      delete from vault.secrets;
    end if;
  end $$;
  do $$ begin
    if to_regclass('supamigrate.migration_log') is not null then
      alter table supamigrate.migration_log disable trigger user;
      truncate supamigrate.migration_log, supamigrate.migration_history, supamigrate.seed_file,
               supamigrate.operation,
               supamigrate.migration_lock restart identity;
      alter table supamigrate.migration_log
        enable always trigger migration_log_is_append_only,
        enable always trigger migration_log_is_chained;
      insert into supamigrate.migration_lock (id) values (1);
    end if;
  end $$;
  do $$ begin
    if to_regclass('supamigrate.schema_at_rest') is not null then
      truncate supamigrate.schema_at_rest;
    end if;
  end $$;
  do $$ begin
    if current_setting('session_replication_role') <> 'origin' then
      reset session_replication_role;
    end if;
  end $$;
  reset lock_timeout;
`;

/** Takes supamigrate out, and every function that goes by the name of its door. */
export const REMOVE_SQL = `
  drop schema if exists supamigrate cascade;
  do $$
  declare
    door regprocedure;
  begin
    for door in select oid from pg_proc where proname = 'exec_sql' loop
      execute format('drop function %s cascade', door);
    end loop;
  end
  $$;
`;
