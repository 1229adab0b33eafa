-- What `doctor` asks the catalogs: facts and no opinions. Sent as it stands instead of being
-- installed, as an installation that is in doubt cannot vouch for itself; it needs nothing that
-- supamigrate has installed. One row, result.
with
ours as (
  select to_regnamespace('supamigrate')::oid as schema,
         to_regprocedure('public.exec_sql(text, jsonb)')::oid as door
),
-- Roles that a request can have, directly or by what they are members of.
api_role as (
  select oid, rolname
    from pg_roles
   where rolname in ('anon', 'authenticated', 'service_role', 'authenticator')
),
-- What is called exec_sql, with its callers, but for the owner, who inherits it, superusers, and the roles that
-- the platform itself logs in with. PUBLIC has the number 0.
callable as (
  select p.oid, p.proowner,
         format('%I.%I(%s)', n.nspname, p.proname, pg_get_function_identity_arguments(p.oid)) as name,
         array(
           select r.oid
             from pg_roles r
            where not r.rolsuper
              and r.rolname !~ '^(pg_|supabase_|(postgres|authenticator|dashboard_user)$)'
              and not pg_has_role(r.oid, p.proowner, 'usage')
              and has_schema_privilege(r.oid, n.oid, 'usage')
              and has_function_privilege(r.oid, p.oid, 'execute')) as callers,
         array(
           select distinct acl.grantee
             from aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) acl
            where acl.grantee <> p.proowner) as grantees
    from pg_proc p
    join pg_namespace n on n.oid = p.pronamespace
   where p.prokind in ('f', 'p')
     and p.proname = 'exec_sql'
     and not exists (
       select from pg_depend where classid = 'pg_proc'::regclass and objid = p.oid and deptype = 'e')
),
relation as (
  select c.*, case when c.relkind in ('r', 'p') then 'table' when c.relkind = 'S' then 'sequence' end as kind
    from pg_class c, ours
   where c.relnamespace = ours.schema
),
-- Every privilege in the schema that somebody other than the owner has.
privilege as (
  select 'schema' as kind, quote_ident(n.nspname) as object, acl.grantee, acl.privilege_type
    from ours
    join pg_namespace n on n.oid = ours.schema
   cross join aclexplode(n.nspacl) acl
   where acl.grantee <> n.nspowner
  union all
  select r.kind, format('supamigrate.%I', r.relname), acl.grantee, acl.privilege_type
    from relation r
   cross join aclexplode(r.relacl) acl
   where acl.grantee <> r.relowner and r.kind is not null
  union all
  select r.kind, format('supamigrate.%I', r.relname), acl.grantee, acl.privilege_type
    from relation r
    join pg_attribute a on a.attrelid = r.oid
   cross join aclexplode(a.attacl) acl
   where acl.grantee <> r.relowner and r.kind is not null
  union all
  select 'function', format('supamigrate.%I(%s)', p.proname, pg_get_function_identity_arguments(p.oid)),
         acl.grantee, acl.privilege_type
    from ours
    join pg_proc p on p.pronamespace = ours.schema
   cross join aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) acl
   where acl.grantee <> p.proowner
)
select jsonb_build_object(
  'server', jsonb_build_object(
    'version', current_setting('server_version'),
    'version_number', current_setting('server_version_num')::integer,
    'database', current_database(),
    'started_at', extract(epoch from pg_postmaster_start_time())::text,
    'time_ms', (extract(epoch from clock_timestamp()) * 1000)::bigint,
    'in_recovery', pg_is_in_recovery()),

  'doors', (
    select coalesce(jsonb_agg(jsonb_build_object(
             'name', c.name,
             'owner', pg_get_userbyid(c.proowner),
             'granted_to', (
               select coalesce(jsonb_agg(coalesce(quote_ident(r.rolname), 'public')
                                         order by r.rolname nulls first), '[]')
                 from unnest(c.grantees) grantee
                 left join pg_roles r on r.oid = grantee
                where grantee = 0 or grantee = any (c.callers) and r.rolname <> 'service_role'),
             'callers', (
               select coalesce(jsonb_agg(quote_ident(r.rolname) order by r.rolname), '[]')
                 from pg_roles r
                where r.oid = any (c.callers) and r.rolname <> 'service_role'),
             'members', (
               select coalesce(jsonb_agg(distinct quote_ident(r.rolname)), '[]')
                 from pg_auth_members m
                 join pg_roles r on r.oid = m.member
                where r.oid = any (c.callers) and m.roleid = to_regrole('service_role')))
             order by c.name), '[]')
      from callable c),

  -- Who may create in the schemas that exec_sql has on its search_path.
  'creators', (
    select coalesce(jsonb_agg(jsonb_build_object(
             'schema', quote_ident(n.nspname),
             'role', coalesce(quote_ident(r.rolname), 'public'))
             order by n.nspname, r.rolname nulls first), '[]')
      from pg_namespace n
     cross join aclexplode(n.nspacl) acl
      left join pg_roles r on r.oid = acl.grantee
     where n.nspname in ('public', 'extensions', 'postgres')
       and acl.privilege_type = 'CREATE'
       and acl.grantee <> n.nspowner
       and (acl.grantee = 0
            or not r.rolsuper
               and r.rolname !~ '^(pg_|supabase_|(postgres|dashboard_user)$)')),

  -- "$user" on exec_sql's search_path: a schema called like its owner, where another role owns it.
  'user_schema', (
    select jsonb_build_object('schema', quote_ident(n.nspname), 'owner', quote_ident(o.rolname))
      from pg_namespace n
      join pg_roles o on o.oid = n.nspowner
     where n.nspname = coalesce(
             (select pg_get_userbyid(p.proowner) from ours join pg_proc p on p.oid = ours.door),
             'postgres')
       and n.nspname <> o.rolname
       and not o.rolsuper
       and o.rolname !~ '^supabase_'),

  'schema', (
    select jsonb_build_object('owner', o.rolname, 'owner_is_superuser', o.rolsuper)
      from ours
      join pg_namespace n on n.oid = ours.schema
      join pg_roles o on o.oid = n.nspowner),
  -- Who owns things on Supabase, where that is no superuser.
  'usual_owner', (select rolname from pg_roles where rolname = 'postgres' and not rolsuper),

  'relations', (
    select coalesce(jsonb_agg(jsonb_build_object(
             'name', format('supamigrate.%I', r.relname),
             'owner', pg_get_userbyid(r.relowner),
             'is_table', r.relkind = 'r',
             'is_logged', r.relpersistence = 'p',
             'forces_row_security', r.relforcerowsecurity,
             'columns', (
               select coalesce(jsonb_agg(attname order by attnum), '[]')
                 from pg_attribute
                where attrelid = r.oid and attnum > 0 and not attisdropped))
             order by r.relname), '[]')
      from relation r
     where r.relkind in ('r', 'p', 'v', 'm', 'f')),

  'functions', (
    select coalesce(jsonb_agg(jsonb_build_object(
             'name', format('%I.%I', n.nspname, p.proname),
             'signature', format('%I.%I(%s)', n.nspname, p.proname,
                                 pg_get_function_identity_arguments(p.oid)),
             'owner', pg_get_userbyid(p.proowner),
             'language', l.lanname,
             'security_definer', p.prosecdef,
             'volatility', case p.provolatile when 'i' then 'immutable' when 's' then 'stable'
                           else 'volatile' end,
             'settings', to_jsonb(coalesce(p.proconfig, '{}')),
             'checksum', encode(sha256(convert_to(replace(p.prosrc, E'\r\n', E'\n'), 'UTF8')), 'hex'))
             order by p.oid::regprocedure::text), '[]')
      from ours
      join pg_proc p on p.pronamespace = ours.schema or p.oid = ours.door
      join pg_namespace n on n.oid = p.pronamespace
      join pg_language l on l.oid = p.prolang),

  'privileges', (
    select coalesce(jsonb_agg(jsonb_build_object(
             'kind', kind, 'object', object, 'role', role, 'privileges', privileges)
             order by kind, object, role), '[]')
      from (select kind, object, coalesce(quote_ident(r.rolname), 'public') as role,
                   jsonb_agg(distinct privilege_type) as privileges
              from privilege
              left join pg_roles r on r.oid = grantee
             where grantee = 0
                or exists (select from api_role where pg_has_role(api_role.oid, grantee, 'member'))
             group by kind, object, r.rolname) granted),

  'default_privileges', (
    select coalesce(jsonb_agg(distinct jsonb_build_object(
             'owner', quote_ident(pg_get_userbyid(d.defaclrole)),
             'kind', case d.defaclobjtype when 'r' then 'tables' when 'S' then 'sequences'
                     when 'f' then 'functions' else 'types' end,
             'role', coalesce(quote_ident(r.rolname), 'public'))), '[]')
      from ours
      join pg_default_acl d on d.defaclnamespace = ours.schema
     cross join aclexplode(d.defaclacl) acl
      left join pg_roles r on r.oid = acl.grantee
     where acl.grantee = 0
        or exists (select from api_role where pg_has_role(api_role.oid, acl.grantee, 'member'))),

  'triggers', (
    select coalesce(jsonb_agg(jsonb_build_object(
             'table', format('supamigrate.%I', r.relname),
             'name', t.tgname,
             'function', format('%I.%I', n.nspname, p.proname),
             'enabled', case t.tgenabled when 'A' then 'always' when 'O' then 'origin'
                        when 'R' then 'replica' else 'never' end)
             order by r.relname, t.tgname), '[]')
      from relation r
      join pg_trigger t on t.tgrelid = r.oid and not t.tgisinternal
      join pg_proc p on p.oid = t.tgfoid
      join pg_namespace n on n.oid = p.pronamespace),
  'rules', (
    select coalesce(jsonb_agg(jsonb_build_object(
             'table', format('supamigrate.%I', r.relname), 'name', w.rulename)
             order by r.relname, w.rulename), '[]')
      from relation r
      join pg_rewrite w on w.ev_class = r.oid
     where r.kind = 'table'),

  'event_triggers', (
    select coalesce(jsonb_agg(jsonb_build_object(
             'name', quote_ident(e.evtname),
             'owner', o.rolname,
             'function', format('%I.%I()', n.nspname, p.proname),
             'event', e.evtevent,
             'expected', coalesce(obj_description(e.oid, 'pg_event_trigger')
                                  like 'supamigrate: expected%', false))
             order by e.evtname), '[]')
      from pg_event_trigger e
      join pg_roles o on o.oid = e.evtowner
      join pg_proc p on p.oid = e.evtfoid
      join pg_namespace n on n.oid = p.pronamespace
     where e.evtenabled in ('O', 'A')
       and not exists (
         select from pg_depend
          where classid = 'pg_event_trigger'::regclass and objid = e.oid and deptype = 'e')),

  -- ALTER ROLE … SET and ALTER DATABASE … SET, as far as they apply to the API's connections.
  'stored_settings', (
    select coalesce(jsonb_agg(jsonb_build_object(
             'role', quote_ident(r.rolname),
             'database', quote_ident(d.datname),
             'name', split_part(item, '=', 1),
             'value', substr(item, strpos(item, '=') + 1))), '[]')
      from pg_db_role_setting s
     cross join unnest(s.setconfig) item
      left join pg_roles r on r.oid = s.setrole
      left join pg_database d on d.oid = s.setdatabase
     where (s.setdatabase = 0 or d.datname = current_database())
       and (s.setrole = 0 or r.rolname in ('authenticator', 'service_role', 'postgres'))),

  -- PostgREST's connections. Others than the one that this runs on can be looked at from outside
  -- alone.
  'api_sessions', (
    select coalesce(jsonb_agg(jsonb_build_object(
             'pid', a.pid,
             'application_name', a.application_name,
             'idle_in_transaction_ms', case when a.state like 'idle in transaction%'
               then (extract(epoch from clock_timestamp() - a.state_change) * 1000)::bigint end,
             'advisory_locks', case when a.state = 'idle' then (
               select count(*) from pg_locks l where l.pid = a.pid and l.locktype = 'advisory')
               else 0 end)
             order by a.pid), '[]')
      from pg_stat_activity a
     where a.usename = 'authenticator' and a.datname = current_database())
) as result
