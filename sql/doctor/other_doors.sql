-- Functions that run SQL which they are given, with rights that their caller has not got, and that
-- anon or authenticated may call. Read from what they are written like, so there may be others; what
-- is named here takes its text from an argument. One row, result.
--
-- Left out is what an extension or the platform's own roles brought along.
with candidate as materialized (
  select p.oid, p.proname, p.pronamespace, p.proowner, p.prosecdef,
         (select substr(item, length('role=') + 1)
            from unnest(p.proconfig) item
           where item like 'role=%'
             and item not in ('role=anon', 'role=authenticated')) as becomes,
         -- The arguments that can hold SQL, as a body names them.
         (select string_agg(concat(
                   case when name ~ '^[a-z_][a-z0-9_]*$' then name || '|' end, E'\\$' || number), '|')
            from (select type, name, row_number() over (order by position) as number
                    from unnest(coalesce(p.proallargtypes, p.proargtypes::oid[]), p.proargnames,
                                p.proargmodes) with ordinality as list (type, name, mode, position)
                   where mode is null or mode in ('i', 'b', 'v')) given
           where type in ('text'::regtype, 'varchar'::regtype, 'json'::regtype, 'jsonb'::regtype)
         ) as argument,
         -- Without comments.
         regexp_replace(
           coalesce(nullif(p.prosrc, ''), pg_get_function_sqlbody(p.oid)),
           E'--[^\\n]*|/\\*.*?\\*/', ' ', 'g') as body
    from pg_proc p
    join pg_language l on l.oid = p.prolang
   where p.prokind in ('f', 'p')
     and l.lanname in ('plpgsql', 'sql')
     and p.prorettype not in ('trigger'::regtype, 'event_trigger'::regtype)
     and p.proname <> 'exec_sql'
     and p.pronamespace <> all (array['pg_catalog', 'information_schema']::regnamespace[])
     and p.pronamespace is distinct from to_regnamespace('supamigrate')
     and pg_get_userbyid(p.proowner) !~ '^supabase_'
     and (p.prosecdef or p.proconfig::text like '%role=%')
     and not exists (
       select from pg_depend where classid = 'pg_proc'::regclass and objid = p.oid and deptype = 'e')
),
door as (
  select *
    from candidate
   where (prosecdef or becomes is not null)
     and (
       becomes is not null and body ~* E'\\mexec_sql\\s*\\('
       -- As it is, or through what runs a query.
       or body ~* (E'\\m(execute|query_to_xml|query_to_xml_and_xmlschema|query_to_xmlschema)\\s*\\(*\\s*('
                   || argument || E')(?![\\w(])')
       -- Put together with it, and neither as a name nor as a value.
       or exists (
         select
           from regexp_matches(body, E'\\mexecute\\M([^;]*)', 'gi') executed (part)
          where part[1] ~* (E'\\|\\|\\s*(' || argument || E')(?![\\w(])|(^|[^\\w.(]|\\|\\|\\s*\\()('
                            || argument || E')\\s*\\|\\|')
             or part[1] ~* E'\\mformat\\s*\\('
                and part[1] ~ '%s'
                and part[1] !~* '%[IL]'
                and part[1] ~* (E',\\s*(' || argument || E')\\s*[,)]')))
)
select coalesce(jsonb_agg(jsonb_build_object(
         'name', format('%I.%I(%s)', n.nspname, d.proname, pg_get_function_identity_arguments(d.oid)),
         'owner', pg_get_userbyid(d.proowner),
         'becomes', d.becomes,
         'callers', callers)
         order by n.nspname, d.proname, d.oid), '[]') as result
  from door d
  join pg_namespace n on n.oid = d.pronamespace
 cross join lateral (
   select jsonb_agg(r.rolname order by r.rolname)
     from pg_roles r
    where r.rolname in ('anon', 'authenticated')
      and has_schema_privilege(r.oid, d.pronamespace, 'usage')
      and has_function_privilege(r.oid, d.oid, 'execute')) allowed (callers)
 where callers is not null
