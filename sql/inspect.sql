-- What `install` looks at before it changes anything: whether the tracking schema is there, and
-- every public function named exec_sql with what it is, who owns it and who may call it. Needs
-- nothing installed.
select jsonb_build_object(
  'has_tracking_schema', to_regclass('supamigrate.installation') is not null,
  'functions', coalesce((
    select jsonb_agg(jsonb_build_object(
             'signature', format('%I.%I(%s)', n.nspname, p.proname, pg_get_function_arguments(p.oid)),
             'identity', p.oid::regprocedure::text,
             'owner', pg_get_userbyid(p.proowner),
             'language', l.lanname,
             'security_definer', p.prosecdef,
             'ours', coalesce(obj_description(p.oid, 'pg_proc') like 'supamigrate:%', false),
             'argument_names', to_jsonb(coalesce(p.proargnames, '{}')),
             'callers', (
               select coalesce(jsonb_agg(r.rolname order by r.rolname), '[]')
                 from pg_roles r
                where r.rolname in ('anon', 'authenticated', 'service_role')
                  and has_function_privilege(r.oid, p.oid, 'execute')))
             order by p.oid::regprocedure::text)
      from pg_proc p
      join pg_namespace n on n.oid = p.pronamespace
      join pg_language l on l.oid = p.prolang
     where p.proname = 'exec_sql' and n.nspname = 'public'), '[]')) as found
