-- Makes rows in the tables of a shadow, and takes down what is in them.

create schema if not exists supamigrate_shadow;

-- Whether a value is one of a type, and keeps its checks.
create or replace function supamigrate_shadow.fits(value text, of_column jsonb) returns boolean
language plpgsql
set search_path = "$user", public, extensions
as $function$
declare
  passed boolean;
begin
  -- The text is asked for, as a value that nobody looks at is not made.
  execute pg_catalog.format('select %4$I::text is not null %1$s from (select %2$L::%3$s as %4$I) one',
    (select pg_catalog.string_agg(pg_catalog.format('and coalesce((%s), true)', item), ' ')
       from pg_catalog.jsonb_array_elements_text(of_column->'checks') item),
    value, of_column->>'type', of_column->>'name') into passed;
  return passed;
exception when others then
  return false; -- it is one of several, and another will do
end
$function$;

-- Makes up to three rows. columns: name, type, checks, values; keys: columns, table, referenced; ways:
-- which columns are filled, to be tried in this order. Returns why there are none; null where there are.
--
-- Triggers may refuse what is made up, or make up more: those that can be are set aside meanwhile.
create or replace function supamigrate_shadow.fill(of_table jsonb) returns text
language plpgsql
set search_path = "$user", public, extensions
as $function$
declare
  relation text := of_table->>'table';
  columns jsonb := '[]';
  item jsonb;
  fitting jsonb;
  key jsonb;
  way text;
  names text[];
  expressions text[];
  available bigint;
  made integer := 0;
  reason text;
  place integer;
  shift integer;
  found boolean;
  set_aside text[] := '{}';
begin
  execute format('select exists (select from %s)', relation) into found;
  if found then
    return null;
  end if;
  for item in select value from jsonb_array_elements(of_table->'columns') loop
    select coalesce(jsonb_agg(value order by position), '[]') into fitting
      from jsonb_array_elements_text(item->'values') with ordinality as list (value, position)
     where supamigrate_shadow.fits(value, item);
    columns := columns || jsonb_build_array(item || jsonb_build_object('values', fitting));
  end loop;

  begin
    for item in
      select jsonb_build_object('name', tgname, 'enabled', tgenabled)
        from pg_trigger
       where tgrelid = relation::regclass and not tgisinternal and tgenabled in ('O', 'A')
    loop
      execute format('alter table %s disable trigger %I', relation, item->>'name');
      set_aside := set_aside || format('alter table %s enable %s trigger %I', relation,
        case item->>'enabled' when 'A' then 'always' else '' end, item->>'name');
    end loop;
  exception when insufficient_privilege then
    set_aside := '{}'; -- it is the platform's, and its triggers stay
  end;

  for number in 0..2 loop
    for attempt in 0..11 loop
      way := of_table->'ways'->>(attempt % jsonb_array_length(of_table->'ways'));
      names := '{}';
      expressions := '{}';
      place := 0;
      for key in select value from jsonb_array_elements(of_table->'keys') loop
        continue when way = 'needed' and (key->>'is_optional')::boolean;
        shift := case when attempt < 9 then number + attempt / 3 * place else number end;
        place := place + 1;
        execute format('select count(*) from %s', key->>'table') into available;
        for part in 0..jsonb_array_length(key->'columns') - 1 loop
          continue when (key->'columns'->>part) = any (names);
          names := names || (key->'columns'->>part);
          expressions := expressions || case when available = 0 then 'null' else
            format('(select %I from %s order by ctid offset %s limit 1)',
              key->'referenced'->>part, key->>'table', shift % available) end;
        end loop;
      end loop;
      place := 0;
      for item in select value from jsonb_array_elements(columns) loop
        place := place + 1;
        continue when (item->>'name') = any (names)
          or (way <> 'all' and (item->>'has_default')::boolean)
          or (way = 'needed' and (item->>'is_optional')::boolean);
        fitting := item->'values';
        continue when jsonb_array_length(fitting) = 0 and (item->>'is_optional')::boolean;
        names := names || (item->>'name');
        -- In the end all columns get alike values, such as lie between each other.
        shift := number + case when attempt < 9 then attempt / 3 * place else 3 end;
        expressions := expressions || case when jsonb_array_length(fitting) = 0 then 'null' else
          format('%L::%s', fitting->>(shift % jsonb_array_length(fitting))::integer, item->>'type') end;
      end loop;
      begin
        execute case when names = '{}' then format('insert into %s default values', relation) else
          format('insert into %s (%s) values (%s)', relation,
            (select string_agg(quote_ident(name), ', ' order by position)
               from unnest(names) with ordinality as list (name, position)),
            array_to_string(expressions, ', ')) end;
        made := made + 1;
        exit;
      exception when others then
        reason := sqlerrm;
      end;
    end loop;
  end loop;
  foreach way in array set_aside loop
    execute way;
  end loop;
  return case when made = 0 then reason end;
end
$function$;

-- What is in the tables: their rows, and which columns are their keys.
create or replace function supamigrate_shadow.snapshot(tables jsonb) returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
declare
  relation text;
  rows jsonb;
  found jsonb := '{}';
begin
  for relation in select value from jsonb_array_elements_text(tables) loop
    execute format('select coalesce(jsonb_agg(to_jsonb(r)), ''[]'') from %s r', relation) into rows;
    found := found || jsonb_build_object(relation, jsonb_build_object(
      'rows', rows,
      'key', coalesce((
        select jsonb_agg(a.attname order by a.attnum)
          from pg_index x
          join pg_attribute a on a.attrelid = x.indrelid and a.attnum = any (x.indkey)
         where x.indrelid = relation::regclass and x.indisprimary), '[]')));
  end loop;
  return found;
end
$function$;
