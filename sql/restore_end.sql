-- After a dump was restored, in its transaction: what stayed uses what was restored, see restore.sql.
set local search_path = pg_catalog;
do $block$
declare
  item record;
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
  for item in select definition from pg_temp.staying loop
    execute item.definition;
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
