-- Takes away the default privileges that a shadow is made with: it gets those of the live project.
do $block$
declare
  entry record;
begin
  for entry in
    select n.nspname, a.grantee, a.grantee = 0 as is_public,
           case d.defaclobjtype when 'r' then 'tables' when 'S' then 'sequences'
                when 'f' then 'functions' when 'T' then 'types' else 'schemas' end as kind
      from pg_default_acl d
     cross join aclexplode(d.defaclacl) a
      left join pg_namespace n on n.oid = d.defaclnamespace
     where d.defaclrole = 'postgres'::regrole
     group by 1, 2, 3, 4
  loop
    execute format('alter default privileges for role postgres %s revoke all on %s from %s',
      coalesce('in schema ' || quote_ident(entry.nspname), ''), entry.kind,
      case when entry.is_public then 'public' else entry.grantee::regrole::text end);
  end loop;
end
$block$;
