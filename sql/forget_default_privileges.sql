-- Takes away the default privileges of whoever runs it, so that what is made next is granted to nobody by itself: a
-- shadow is given those of the live project, and what is restored what its dump says.
do $block$
declare
  me constant regrole := current_user::regrole;
  entry record;
  grantee text;
begin
  for entry in
    select d.defaclacl as acl, n.nspname as schema, d.defaclobjtype as type,
           case d.defaclobjtype when 'r' then 'tables' when 'S' then 'sequences'
                when 'f' then 'functions' when 'T' then 'types' else 'schemas' end as kind
      from pg_default_acl d
      left join pg_namespace n on n.oid = d.defaclnamespace
     where d.defaclrole = me
  loop
    for grantee in
      select distinct case when a.grantee = 0 then 'public' else a.grantee::regrole::text end
        from aclexplode(entry.acl) a
       where a.grantee <> me
    loop
      execute format('alter default privileges %s revoke all on %s from %s',
        coalesce('in schema ' || quote_ident(entry.schema), ''), entry.kind, grantee);
    end loop;

    -- Those of no schema stand in place of PostgreSQL's own, which a dump takes for granted.
    if entry.schema is null then
      execute format('alter default privileges grant all on %s to %s', entry.kind, me);
      if entry.type in ('f', 'T') then
        execute format('alter default privileges grant all on %s to public', entry.kind);
      end if;
    end if;
  end loop;
end
$block$;
