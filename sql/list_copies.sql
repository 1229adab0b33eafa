-- Safety copies as they are seen from outside: what they would come to, what there is, and dropping
-- them.

-- What the copies before a run would come to, before anything is run: {tables: [{name, bytes}]}, with
-- the sizes of all tables that rows are kept of; elsewhere: foreign tables and views whose rows are
-- changed, and are kept nowhere; keyless: tables whose rows nothing tells apart when they have been
-- changed, so that what is overwritten in them is kept, and not put back; lent: tables of other owners,
-- whose triggers and foreign keys a rollback cannot put off; volatile: functions that choose others each time.
--
-- call: destroyed, of all that is to be run, each with the search_path (path) that its file has set; batched,
-- the functions that batches choose their rows with.
create or replace function supamigrate.survey_copies(call jsonb) returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
declare
  path constant text := supamigrate.default_search_path();
  result jsonb;
begin
  with item as (
    select value, value->>'do' as does from jsonb_array_elements(call->'destroyed')
  ), named as (
    select item.*, found.*
      from item
     cross join lateral (
       select name from jsonb_array_elements_text(value->'names') name
       union all
       select name from jsonb_to_recordset(value->'tables') as listed (name text)
       union all
       select value->>'table') names (name)
     cross join lateral supamigrate.find_named(
       coalesce(value->>'type', 'table'), names.name, coalesce(value->>'path', path)) found
  ), direct as (
    select distinct part.object_id, does, value
      from named
     cross join lateral (
       select gone.object_id
         from supamigrate.list_gone(named.class_id, named.object_id, 0, (value->>'cascade')::boolean) gone
        where does = 'drop' and gone.class_id = 'pg_class'::regclass
       union
       select part from supamigrate.list_tree(named.object_id) part where does <> 'drop') part
  ), along as (
    -- What foreign keys delete, write or truncate as well.
    with recursive reached (object_id, does, changed) as (
      select object_id, does, null::name[] from direct
       where does = 'delete' or (value->>'deletes')::boolean or does = 'truncate' and (value->>'cascade')::boolean
      union
      select object_id, does, array(select jsonb_array_elements_text(value->'columns'))::name[] from direct
       where does in ('update', 'merge')
      union
      select part, does, link.fields
        from reached
       cross join lateral (
         select c.conrelid as child, null::name[] as fields
           from pg_constraint c
          where does = 'truncate' and c.contype = 'f' and c.confrelid = reached.object_id
         union all
         select child, fields from supamigrate.list_links(reached.object_id, reached.changed)
          where does <> 'truncate') link
       cross join lateral supamigrate.list_tree(link.child) part
    )
    select object_id, does from reached
  ), relation as (
    select distinct c.oid, c.relkind, c.relowner, does, changed, format('%I.%I', n.nspname, c.relname) as name
      from (select object_id, does, array(
                     select jsonb_array_elements_text(value->'columns')
                     union select jsonb_array_elements_text(value->'drops')
                     union select type->>'name' from jsonb_array_elements(value->'types') type)::name[] as changed
              from direct
            union all
            select object_id, 'along', '{}' from along) reached
      join pg_class c on c.oid = reached.object_id
      join pg_namespace n on n.oid = c.relnamespace
  ), kept as (
    select * from relation where relkind in ('r', 'p') and supamigrate.is_worth_keeping(oid, null)
  )
  select jsonb_build_object(
    'tables', (
      select coalesce(jsonb_agg(jsonb_build_object('name', name, 'bytes', pg_table_size(oid)) order by name), '[]')
        from (select distinct oid, name from kept where relkind = 'r') sized),
    'elsewhere', (
      select coalesce(jsonb_agg(distinct name), '[]')
        from relation where relkind in ('f', 'v') and does in ('delete', 'update', 'merge', 'truncate')),
    'keyless', (
      select coalesce(jsonb_agg(distinct name), '[]')
        from kept
       where (does in ('update', 'merge') or does = 'alter' and changed <> '{}')
         and supamigrate.key_of(oid, changed) is null),
    'lent', (
      select coalesce(jsonb_agg(distinct name), '[]')
        from kept where not pg_has_role(relowner, 'usage')),
    'volatile', (
      select coalesce(jsonb_agg(distinct proname), '[]')
        from pg_proc
       where provolatile = 'v' and proname in (select jsonb_array_elements_text(call->'batched'))))
    into result;
  return result;
end
$function$;

-- All copies, newest first.
create or replace function supamigrate.read_copies() returns jsonb
language sql stable
set search_path = pg_catalog, pg_temp
as $function$
  select coalesce(jsonb_agg(jsonb_build_object(
           'id', copy.id, 'migration', copy.migration_name, 'batch', copy.batch_number,
           'purpose', copy.purpose, 'line', copy.line, 'kind', copy.kind, 'relation', copy.relation,
           'copy', copy.copy_name, 'columns', (
             select jsonb_agg(item->'name') from jsonb_array_elements(copy.columns) item),
           'casts', (
             select coalesce(jsonb_object_agg(item->>'name', item->'type'), '{}')
               from jsonb_array_elements(copy.columns) item where not (item->>'plain')::boolean),
           'key', copy.key_columns, 'rows', copy.row_count, 'sequences', copy.sequences,
           'definition', copy.definition, 'is_open', copy.is_open,
           'bytes', pg_total_relation_size(
             to_regclass('supamigrate_backup.' || quote_ident(copy.copy_name))),
           'made_at', copy.made_at,
           'age_ms', (extract(epoch from clock_timestamp() - copy.made_at) * 1000)::bigint)
           order by copy.id desc), '[]')
    from supamigrate.safety_copy copy
$function$;

-- Drops copies for good. call: copies, their numbers.
create or replace function supamigrate.drop_copies(call jsonb) returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
declare
  copy supamigrate.safety_copy;
  dropped jsonb := '[]';
begin
  for copy in
    select * from supamigrate.safety_copy
     where id in (select jsonb_array_elements_text(call->'copies')::bigint)
     order by id
  loop
    if copy.copy_name is not null then
      execute format('drop table if exists supamigrate_backup.%I', copy.copy_name);
    end if;
    delete from supamigrate.safety_copy where id = copy.id;
    dropped := dropped || to_jsonb(copy.id);
  end loop;
  perform supamigrate.write_log(call, 'drop copies', 'ok', details => jsonb_build_object('copies', dropped));
  return jsonb_build_object('dropped', dropped);
end
$function$;
