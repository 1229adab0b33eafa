-- After a dump was restored, in its transaction: what stayed uses what was restored, see restore.sql.
set local search_path = pg_catalog;
do $block$
declare
  item record;
  part record;
  restored regprocedure;
  definition text;
begin
  for item in
    select function, format('%I.%I', schema, name) as place, name from pg_temp.renamed
  loop
    -- Made since, it is not in the dump.
    if to_regprocedure(item.place || '()') is null then
      execute format('alter function %s rename to %I', item.function, item.name);
      delete from pg_temp.renamed where function = item.function;
    end if;
  end loop;
  for item in select staying.definition from pg_temp.staying loop
    execute item.definition;
  end loop;
  -- What was restored goes into the function that is used, with its rights; and its own triggers use that.
  for item in
    select function, format('%I.%I', schema, name) as place, name from pg_temp.renamed where stays
  loop
    restored := to_regprocedure(item.place || '()');
    definition := pg_get_functiondef(restored);
    execute format('alter function %s rename to %I', restored, 'restored_' || restored::oid);
    execute format('alter function %s rename to %I', item.function, item.name);
    execute definition;
    for part in
      select distinct case acl.grantee when 0 then 'public' else acl.grantee::regrole::text end as grantee
        from pg_proc p cross join lateral aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) acl
       where p.oid = item.function and acl.grantee <> p.proowner
    loop
      execute format('revoke all on function %s from %s', item.function, part.grantee);
    end loop;
    for part in
      select case acl.grantee when 0 then 'public' else acl.grantee::regrole::text end as grantee, acl.is_grantable
        from pg_proc p cross join lateral aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) acl
       where p.oid = restored and acl.grantee <> p.proowner
    loop
      execute format('grant execute on function %s to %s %s', item.function, part.grantee,
                     case when part.is_grantable then 'with grant option' else '' end);
    end loop;
    execute format('comment on function %s is %L', item.function, obj_description(restored, 'pg_proc'));
    for part in
      select t.tgname as name, t.tgrelid::regclass as relation, t.tgenabled as state, t.tgconstraint <> 0 as is_constraint,
             replace(pg_get_triggerdef(t.oid), restored::text, item.function::text) as definition,
             obj_description(t.oid, 'pg_trigger') as remark
        from pg_trigger t
       where t.tgfoid = restored and not t.tgisinternal and t.tgparentid = 0
    loop
      execute format('drop trigger %I on %s', part.name, part.relation);
      execute part.definition;
      if part.state <> 'O' then
        execute format('alter table %s %s trigger %I', part.relation, case part.state when 'D' then 'disable'
          when 'A' then 'enable always' else 'enable replica' end, part.name);
      end if;
      if part.remark is not null then
        execute format('comment on trigger %I on %s is %L', part.name, part.relation, part.remark);
      end if;
    end loop;
    execute format('drop function %s', restored);
    delete from pg_temp.renamed where function = item.function;
  end loop;
  for item in select function from pg_temp.renamed loop
    execute format('drop function %s', item.function);
  end loop;
end
$block$;
drop table pg_temp.staying, pg_temp.renamed;
notify pgrst, 'reload schema';
commit;
\echo restored
