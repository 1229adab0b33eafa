-- Puts back what a migration has destroyed, of which safety_copies.sql has made copies.

-- Whether the copies of a migration are to be put back when it is undone.
create or replace function supamigrate.has_copies(migration_name text) returns boolean
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $function$
begin
  return exists (
    select from supamigrate.safety_copy copy
     where copy.migration_name = $1 and copy.purpose = 'apply' and copy.is_open);
end
$function$;

-- The table that a copy belongs to: by the name that it had then, or where the rollback has undone a
-- renaming of the migration's, by the one before. Where it is the same table still, the other one may be
-- another's name by now.
create or replace function supamigrate.find_home(copy supamigrate.safety_copy) returns regclass
language sql stable
set search_path = pg_catalog, pg_temp
as $function$
  select coalesce(
    (select c.oid::regclass
       from pg_class c join pg_namespace n on n.oid = c.relnamespace
      where c.oid = copy.relation_id
        and format('%I.%I', n.nspname, c.relname) in (copy.relation, copy.former_name)),
    to_regclass(copy.relation),
    to_regclass(copy.former_name))
$function$;

-- The columns of that table that those of a copy belong to, found in the same way; field is null where there
-- is none that can be written. Those that the migration made itself, and that are gone, are left out, and so
-- are those that the rollback itself has dropped.
create or replace function supamigrate.find_fields(copy supamigrate.safety_copy)
returns table (kept_name text, field text, number smallint, item jsonb)
language sql stable
set search_path = pg_catalog, pg_temp
as $function$
  select item->>'name', a.attname::text, a.attnum, item
    from jsonb_array_elements(copy.columns) item
    left join lateral (
      select live.attname, live.attnum
        from pg_attribute live
       where live.attrelid = supamigrate.find_home(copy)
         and live.attname in (item->>'name', copy.former_columns->>(item->>'name'))
         and not live.attisdropped
         and live.attgenerated = ''
       order by live.attnum = (item->>'number')::smallint desc nulls last, live.attname = item->>'name'
       limit 1) a on true
   where a.attname is not null
      or not coalesce(copy.former_columns->(item->>'name') = 'null', false)
         and not exists (
           select from pg_attribute gone
            where gone.attrelid = copy.relation_id
              and gone.attnum = (item->>'number')::smallint
              and gone.attisdropped
              and age(gone.xmin) <= age(pg_current_xact_id()::xid))
$function$;

-- Which columns of a copy the table does not have: null where it has them all.
create or replace function supamigrate.list_missing(copy supamigrate.safety_copy) returns text
language sql stable
set search_path = pg_catalog, pg_temp
as $function$
  select string_agg(kept_name, ', ') from supamigrate.find_fields(copy) where field is null
$function$;

-- Puts back one copy, and returns how many rows that came to.
create or replace function supamigrate.put_back_one(copy supamigrate.safety_copy) returns bigint
language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
declare
  target constant regclass := supamigrate.find_home(copy);
  source constant text := format('supamigrate_backup.%I', copy.copy_name);
  names text;
  kept_values text;
  settings text;
  excluded_values text;
  condition text;
  identities text[];
  identity text;
  key text[];
  arbiter text;
  put bigint;
begin
  select string_agg(quote_ident(a.attname), ', ' order by a.attnum),
         string_agg(fields.kept, ', ' order by a.attnum),
         string_agg(format('%I = %s', a.attname, fields.kept), ', ' order by a.attnum)
           filter (where not fields.is_key),
         string_agg(format('%1$I = excluded.%1$I', a.attname), ', ' order by a.attnum)
           filter (where not fields.is_key),
         string_agg(format(case when fields.is_plain then 'live.%I = kept.%I'
                                else 'live.%I::pg_catalog.text = kept.%I' end, a.attname, fields.kept_name), ' and ')
           filter (where fields.is_key),
         array_agg(quote_ident(a.attname)) filter (where a.attidentity = 'a' and not fields.is_key),
         array_agg(a.attname::text) filter (where fields.is_key)
    into names, kept_values, settings, excluded_values, condition, identities, key
    from supamigrate.find_fields(copy) part
    join pg_attribute a on a.attrelid = target and a.attnum = part.number
   cross join lateral (
     select part.kept_name,
            part.kept_name = any (coalesce(copy.key_columns, '{}')) as is_key,
            (part.item->>'plain')::boolean as is_plain,
            case when (part.item->>'plain')::boolean then format('kept.%I', part.kept_name)
                 else format('kept.%I::%s', part.kept_name, format_type(a.atttypid, a.atttypmod)) end as kept) fields;
  if copy.kind = 'values' then
    foreach identity in array coalesce(identities, '{}') loop
      execute format('alter table %s alter column %s set generated by default', target, identity);
    end loop;
    execute format('update %s as live set %s from %s as kept where %s', target, settings, source, condition);
    get diagnostics put = row_count;
    foreach identity in array coalesce(identities, '{}') loop
      execute format('alter table %s alter column %s set generated always', target, identity);
    end loop;
    return put;
  end if;
  -- A constraint that can be deferred decides about no conflict; where there is one, the key does.
  select string_agg(quote_ident(field), ', ') into arbiter from unnest(key) field
   where copy.kind = 'state' or exists (
     select from pg_index where indrelid = target and (indisunique or indisexclusion) and not indimmediate);
  execute format('insert into %s %s overriding system value select %s from %s as kept %s', target,
    '(' || names || ')', kept_values, source,
    case when copy.kind not in ('rows', 'state') then ''
         when copy.kind = 'state' and excluded_values is not null
           then format('on conflict (%s) do update set %s', arbiter, excluded_values)
         when arbiter is not null then format('on conflict (%s) do nothing', arbiter)
         when exists (select from pg_index
                       where indrelid = target and (indisunique or indisexclusion) and not indimmediate) then ''
         else 'on conflict do nothing'
    end);
  get diagnostics put = row_count;
  return put;
end
$function$;

-- Whether a table has rows that this transaction has not written: somebody's, whom nobody has asked.
create or replace function supamigrate.has_rows_of_others(relation regclass) returns boolean
language plpgsql stable
set search_path = pg_catalog, pg_temp
set row_security = off
as $function$
declare
  found_some boolean;
begin
  execute format(
    'select exists (select from %s %s where age(xmin) > age(pg_current_xact_id()::xid))',
    case when (select relkind from pg_class where oid = relation) = 'p' then '' else 'only' end, relation)
    into found_some;
  return found_some;
end
$function$;

-- Why a copy cannot be put back as things are: null where it can.
create or replace function supamigrate.find_obstacle(copy supamigrate.safety_copy) returns text
language sql stable
set search_path = pg_catalog, pg_temp
as $function$
  select case
    when to_regclass(format('supamigrate_backup.%I', copy.copy_name)) is null then 'the copy is gone'
    when not exists (select from pg_class where oid = supamigrate.find_home(copy) and relkind in ('r', 'p'))
      then 'there is no such table, as the rollback has not made it anew'
    when copy.kind in ('values', 'state') and copy.key_columns is null
      then 'nothing tells the rows of the table apart'
    when missing.all_of_them or missing.part_of_key then format('the table has no column %s', missing.names)
    when copy.kind = 'values' and missing.nothing_left then format('the table has no column %s', (
      select string_agg(item->>'name', ', ')
        from jsonb_array_elements(copy.columns) item
       where item->>'name' <> all (coalesce(copy.key_columns, '{}'))))
    when copy.kind = 'table' and supamigrate.has_rows_of_others(supamigrate.find_home(copy))
      then 'there are rows in it that came after the migration'
  end
    from (select string_agg(kept_name, ', ') filter (where field is null) as names,
                 coalesce(bool_and(field is null) filter (where not is_key), false) as all_of_them,
                 copy.kind in ('values', 'state') and bool_or(field is null and is_key) as part_of_key,
                 count(*) filter (where field is not null and not is_key) = 0 as nothing_left
            from (select fields.*, kept_name = any (coalesce(copy.key_columns, '{}')) as is_key
                    from supamigrate.find_fields(copy) fields) each_field) missing
$function$;

-- Sets sequences to where they had come to; or further, where rows that came since have had their numbers.
-- That is not undone with a transaction, so it comes when all else is done, and all are there.
create or replace function supamigrate.set_sequences(counted jsonb) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
set row_security = off
as $function$
declare
  item record;
  highest bigint;
begin
  for item in
    select c.oid::regclass as sequence, (kept.value->>0)::bigint as last_value, (kept.value->>1)::boolean as is_called,
           s.seqincrement > 0 as ascends, d.refobjid::regclass as owner, a.attname as field
      from jsonb_each(counted) kept
      join pg_class c on c.oid = to_regclass(kept.key) and c.relkind = 'S'
      join pg_sequence s on s.seqrelid = c.oid
      left join pg_depend d on d.classid = 'pg_class'::regclass and d.objid = c.oid
       and d.refclassid = 'pg_class'::regclass and d.refobjsubid > 0 and d.deptype in ('a', 'i')
      left join pg_attribute a on a.attrelid = d.refobjid and a.attnum = d.refobjsubid
       and a.atttypid in ('int2'::regtype, 'int4'::regtype, 'int8'::regtype)
  loop
    highest := null;
    if item.field is not null and item.ascends then
      execute format('select max(%I) from %s', item.field, item.owner) into highest;
    end if;
    if highest > item.last_value then
      perform setval(item.sequence, highest, true);
    else
      perform setval(item.sequence, item.last_value, item.is_called);
    end if;
  end loop;
end
$function$;

-- Puts back what a migration has destroyed, as far as it can be now: in the opposite order, with no
-- trigger fired, and with foreign keys checked at the end. Of a table of somebody else's (auth.users)
-- triggers and foreign keys are left as they are; but the functions of its triggers do nothing meanwhile,
-- where they are the application's, as what they have made for each row once is put back as well. What
-- cannot be put back keeps nothing else from it, and is tried again when that is there. back is what was
-- put back before, as
-- {results: [{id, relation, copy, rows, put_back, reason}]}, and is returned with what was added.
create or replace function supamigrate.put_back(migration jsonb, back jsonb) returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
set row_security = off
set extra_float_digits = 1
set DateStyle = 'ISO, YMD'
set IntervalStyle = 'postgres'
as $function$
declare
  copies supamigrate.safety_copy[];
  copy supamigrate.safety_copy;
  relations oid[];
  link record;
  links jsonb;
  triggers jsonb;
  silenced jsonb;
  put bigint;
  results jsonb := '[]';
  failures jsonb := '{}';
  done_before integer := -1;
begin
  select array_agg(c order by c.id desc) into copies
    from supamigrate.safety_copy c
   where c.migration_name = migration->>'name'
     and c.purpose = 'apply'
     and c.is_open
     and c.kind <> 'objects'
     and supamigrate.find_obstacle(c) is null
     and not exists (
       select from jsonb_array_elements(back->'results') result where (result->>'id')::bigint = c.id);
  if copies is null then
    return back;
  end if;
  begin
    perform supamigrate.check_deferred_constraints();
    select array_agg(distinct part) into relations
      from unnest(copies) c
     cross join lateral supamigrate.list_tree(supamigrate.find_home(c)) part
      join pg_class r on r.oid = part
     where pg_has_role(r.relowner, 'usage');
    select coalesce(jsonb_agg(jsonb_build_object(
             'relation', t.tgrelid::regclass::text, 'name', t.tgname, 'state', t.tgenabled)), '[]')
      into triggers
      from pg_trigger t
     where t.tgrelid = any (relations) and not t.tgisinternal and t.tgenabled <> 'D';
    select coalesce(jsonb_agg(jsonb_build_object(
             'relation', c.conrelid::regclass::text, 'name', c.conname, 'quoted', format('%I.%I', n.nspname, c.conname),
             'state', case when c.condeferrable then 'deferrable initially immediate' else 'not deferrable' end)), '[]')
      into links
      from pg_constraint c
      join pg_namespace n on n.oid = c.connamespace
      join pg_class r on r.oid = c.conrelid and pg_has_role(r.relowner, 'usage')
     where c.contype = 'f'
       and c.conparentid = 0
       and not c.condeferred
       and (c.conrelid = any (relations) or c.confrelid = any (relations));
    for link in select * from jsonb_to_recordset(triggers) as item (relation text, name text) loop
      execute format('alter table only %s disable trigger %I', link.relation, link.name);
    end loop;
    select coalesce(jsonb_agg(distinct jsonb_build_object(
             'name', p.oid::regprocedure::text, 'definition', pg_get_functiondef(p.oid))), '[]')
      into silenced
      from unnest(copies) c
     cross join lateral supamigrate.list_tree(supamigrate.find_home(c)) part
      join pg_class r on r.oid = part and not pg_has_role(r.relowner, 'usage')
      join pg_trigger t on t.tgrelid = part and not t.tgisinternal and t.tgenabled <> 'D'
      join pg_proc p on p.oid = t.tgfoid and pg_has_role(p.proowner, 'usage')
       and has_schema_privilege(p.pronamespace, 'create')
     where not exists (select from pg_depend d where d.classid = 'pg_proc'::regclass and d.objid = p.oid and d.deptype = 'e');
    for link in select * from jsonb_to_recordset(silenced) as item (name text) loop
      execute format('create or replace function %s returns trigger language plpgsql as %L', link.name,
                     'begin if tg_op = ''DELETE'' then return old; end if; return new; end');
    end loop;
    for link in select * from jsonb_to_recordset(links) as item (relation text, name text) loop
      execute format('alter table %s alter constraint %I deferrable initially deferred',
                     link.relation, link.name);
    end loop;
    -- What could be deferred before, this transaction has been told to check at once. By a name that another
    -- constraint has as well, which cannot be deferred, nothing can.
    for link in
      select quoted
        from jsonb_to_recordset(links) as item (quoted text, state text)
       where state <> 'not deferrable'
         and not exists (
           select from pg_constraint c join pg_namespace n on n.oid = c.connamespace
            where format('%I.%I', n.nspname, c.conname) = quoted and not c.condeferrable)
    loop
      execute format('set constraints %s deferred', link.quoted);
    end loop;

    -- What the rollback has put into a table that it made anew is not what was in it.
    foreach copy in array copies loop
      if copy.kind = 'table' then
        execute format('delete from %s %s where true', case when (
            select relkind from pg_class where oid = supamigrate.find_home(copy)) = 'p' then '' else 'only' end,
          supamigrate.find_home(copy));
      end if;
    end loop;
    while jsonb_array_length(results) > done_before loop
      done_before := jsonb_array_length(results);
      foreach copy in array copies loop
        continue when results @> jsonb_build_array(jsonb_build_object('id', copy.id));
        begin
          put := supamigrate.put_back_one(copy);
          results := results || jsonb_build_object(
            'id', copy.id, 'relation', copy.relation, 'copy', copy.copy_name, 'rows', copy.row_count,
            'put_back', put, 'reason', case when put < copy.row_count then case copy.kind
              when 'values' then format('%s rows are not there any more', copy.row_count - put)
              else format('%s rows are there already', copy.row_count - put) end
            else 'the table has no column ' || supamigrate.list_missing(copy) end);
        exception when others then
          failures := failures || jsonb_build_object(copy.id::text, sqlerrm);
        end;
      end loop;
    end loop;

    perform supamigrate.check_deferred_constraints();
    for link in select * from jsonb_to_recordset(silenced) as item (definition text) loop
      execute link.definition;
    end loop;
    for link in select * from jsonb_to_recordset(links) as item (relation text, name text, state text) loop
      execute format('alter table %s alter constraint %I %s', link.relation, link.name, link.state);
    end loop;
    for link in select * from jsonb_to_recordset(triggers) as item (relation text, name text, state "char") loop
      execute format('alter table only %s enable %s trigger %I', link.relation,
                     case link.state when 'A' then 'always' when 'R' then 'replica' else '' end, link.name);
    end loop;
    return jsonb_set(jsonb_set(back, '{results}', (back->'results') || results),
                     '{failures}', coalesce(back->'failures', '{}') || failures);
  exception when others then
    -- What could not be put back may be why: that is told of it.
    return jsonb_set(jsonb_set(back, '{failure}', to_jsonb(sqlerrm)),
                     '{failures}', coalesce(back->'failures', '{}') || failures);
  end;
end
$function$;

-- Fills materialized views that this transaction has made before the rows were back.
create or replace function supamigrate.refresh_views() returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
declare
  made regclass;
begin
  for made in
    select oid from pg_class
     where relkind = 'm' and relispopulated and pg_has_role(relowner, 'usage')
       and age(xmin) <= age(pg_current_xact_id()::xid)
     order by oid
  loop
    execute format('refresh materialized view %s', made);
  end loop;
end
$function$;

-- The end of it: what is back as a whole is dropped from the copies, and what is not is told of. A
-- migration that is applied once more makes copies of its own: those before are not put back again.
create or replace function supamigrate.finish_put_back(migration jsonb, back jsonb) returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
declare
  copy supamigrate.safety_copy;
  result jsonb;
  told jsonb := '[]';
  all_back boolean := true;
begin
  for copy in
    select * from supamigrate.safety_copy c
     where c.migration_name = migration->>'name' and c.purpose = 'apply' and c.is_open and c.kind <> 'objects'
     order by c.id
  loop
    select item into result
      from jsonb_array_elements(back->'results') item where (item->>'id')::bigint = copy.id;
    result := coalesce(result, jsonb_build_object(
      'id', copy.id, 'relation', copy.relation, 'copy', copy.copy_name, 'rows', copy.row_count,
      'put_back', 0, 'reason', coalesce(
        supamigrate.find_obstacle(copy), back->'failures'->>copy.id::text, back->>'failure', 'it was not tried')));
    told := told || result;
    if result->>'reason' is null then
      execute format('drop table supamigrate_backup.%I', copy.copy_name);
      delete from supamigrate.safety_copy where id = copy.id;
    else
      all_back := false;
    end if;
  end loop;
  if exists (select from jsonb_array_elements(told) item where (item->>'put_back')::bigint > 0) then
    perform supamigrate.refresh_views();
  end if;
  for copy in
    select * from supamigrate.safety_copy c
     where c.migration_name = migration->>'name' and c.purpose = 'apply' and c.is_open and c.kind = 'objects'
     order by c.id desc
  loop
    perform supamigrate.set_sequences(copy.sequences);
  end loop;
  delete from supamigrate.safety_copy c
   where c.migration_name = migration->>'name' and c.is_open and c.purpose = 'apply' and all_back;
  update supamigrate.safety_copy c set is_open = false
   where c.migration_name = migration->>'name' and c.is_open;
  return told;
end
$function$;
