-- Before a dump is restored, in its transaction: supamigrate.restored has the schemas, as JSON. What stays where it is
-- and hangs on what is dropped and made anew must not be in the way: policies of storage are dropped, and triggers of
-- auth.users, which only the table's owner could drop, keep their function under another name. restore_end.sql has them
-- use what was restored: other functions, but of constraint triggers, which cannot be replaced, the same ones (stays)
-- with what was restored in them.
create temporary table staying (definition text);
create temporary table renamed (function regprocedure, schema name, name name, stays boolean);

do $block$
declare
  item record;
  number integer := 0;
begin
  if to_regprocedure('supamigrate.describe_gone(jsonb)') is null then
    return; -- a project of which nothing is there yet
  end if;
  for item in
    with restored (id) as (
      select n.oid
        from jsonb_array_elements_text(current_setting('supamigrate.restored')::jsonb) name
        join pg_namespace n on n.nspname = name
    ), object (class_id, id) as (
      select 'pg_proc'::regclass, oid from pg_proc where pronamespace in (select id from restored)
      union all
      select 'pg_class'::regclass, oid from pg_class where relnamespace in (select id from restored)
      union all
      select 'pg_type'::regclass, oid from pg_type where typnamespace in (select id from restored)
    ), dependent as (
      select distinct d.classid, d.objid
        from object
        join pg_depend d on d.refclassid = object.class_id and d.refobjid = object.id
    )
    select p.oid, format('drop policy %I on %s', p.polname, p.polrelid::regclass) as drop
      from dependent
      join pg_policy p on dependent.classid = 'pg_policy'::regclass and p.oid = dependent.objid
      join pg_class c on c.oid = p.polrelid and c.relnamespace not in (select id from restored)
  loop
    insert into pg_temp.staying
    select supamigrate.describe_gone(jsonb_build_array(jsonb_build_array('pg_policy'::regclass::oid, item.oid, 0)));
    execute item.drop;
  end loop;

  for item in
    select p.oid::regprocedure as function, p.proname as name, n.nspname as schema,
           array_agg(regexp_replace(pg_get_triggerdef(t.oid), '^CREATE TRIGGER', 'CREATE OR REPLACE TRIGGER')) as triggers,
           bool_or(t.tgconstraint <> 0) as stays
      from pg_trigger t
      join pg_class c on c.oid = t.tgrelid
      join pg_namespace home on home.oid = c.relnamespace
      join pg_proc p on p.oid = t.tgfoid
      join pg_namespace n on n.oid = p.pronamespace
     where not t.tgisinternal
       and t.tgparentid = 0
       and current_setting('supamigrate.restored')::jsonb ? n.nspname
       and not current_setting('supamigrate.restored')::jsonb ? home.nspname
     group by p.oid, n.nspname
  loop
    number := number + 1;
    insert into pg_temp.staying select unnest(item.triggers) where not item.stays;
    insert into pg_temp.renamed values (item.function, item.schema, item.name, item.stays);
    execute format('alter function %s rename to %I', item.function, 'before_restore_' || number);
  end loop;
end
$block$;
