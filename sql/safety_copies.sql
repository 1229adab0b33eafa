-- Safety copies: what a statement destroys is kept in the schema supamigrate_backup, in the same
-- transaction and right before it; what a rollback makes anew gets it back. Which statements destroy
-- something, and how their rows are to be chosen, the client has read out of their trees:
--
--   {do: drop, type, names, cascade}                 type: table, sequence, schema, type, extension, …
--   {do: alter, table, drops, types, identities, cascade}
--                                                    drops: columns; types: [{name, to}]
--   {do: truncate, tables, cascade, restart}         tables: [{name, only}]
--   {do: delete, table, only, alias, with, from}     from: FROM and WHERE that choose the same rows;
--   {do: update, …, columns}                         null where all rows are to be kept. functions:
--                                                    what they call
--   {do: merge, table, only, deletes, columns}       what chooses its rows in a way of its own: the
--                                                    whole table is kept, and afterwards what the
--                                                    statement has left as it was goes from the copy
--
-- Names are written as in SQL, and looked up on the migration's own search_path.
--
-- A copy depends on nothing but built-in types: what is of another one is kept as its text, so that
-- the type can be dropped after its table, or with it.

-- One row a copy. kind: table, the rows of a table that was dropped; rows, rows that were deleted;
-- values, columns that were dropped or overwritten; state, rows that may be changed or gone; objects,
-- what has no rows: how far sequences had counted, and the SQL of all that was dropped.
create table if not exists supamigrate.safety_copy (
  id             bigint primary key,
  migration_name text not null,
  batch_number   integer,
  purpose        text not null,
  line           integer,
  kind           text not null constraint known_kind check (
                   kind in ('table', 'rows', 'values', 'state', 'objects')),
  relation       text,
  relation_id    oid,
  former_name    text,
  former_columns jsonb,
  copy_name      text,
  columns        jsonb,
  key_columns    text[],
  row_count      bigint,
  sequences      jsonb,
  definition     text,
  is_open        boolean not null default true,
  made_at        timestamp with time zone not null default clock_timestamp()
);
alter table supamigrate.safety_copy add column if not exists former_name text;
alter table supamigrate.safety_copy add column if not exists former_columns jsonb;
alter table supamigrate.safety_copy add column if not exists relation_id oid;
comment on table supamigrate.safety_copy is
  'What was kept in the schema supamigrate_backup before it was destroyed';
comment on column supamigrate.safety_copy.former_name is
  'What the table was called before the migration renamed it';
comment on column supamigrate.safety_copy.former_columns is
  'What columns were called before the migration renamed them, by their names in the copy; null for those that it made';
comment on column supamigrate.safety_copy.is_open is
  'Whether a rollback of its migration is to put it back';

-- Nobody but the owner has anything to do in the schema. By name as well, for what default privileges
-- give.
create or replace function supamigrate.prepare_backup_schema() returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
declare
  holder constant oid := (select nspowner from pg_namespace where nspname = 'supamigrate_backup');
begin
  if holder is null then
    create schema supamigrate_backup;
    comment on schema supamigrate_backup is
      'supamigrate: what migrations have destroyed. "supamigrate backups" lists it';
  elsif not pg_has_role(holder, 'usage') then
    raise exception 'The schema supamigrate_backup belongs to %', pg_get_userbyid(holder)
      using errcode = 'insufficient_privilege';
  end if;
  revoke all on schema supamigrate_backup from public, anon, authenticated, service_role;
end
$function$;

-- The columns of a table as a copy has them: [{name, number, type, plain}]. What is generated from others is
-- left out.
create or replace function supamigrate.columns_to_keep(relation oid, chosen name[]) returns jsonb
language sql stable
set search_path = pg_catalog, pg_temp
as $function$
  select coalesce(jsonb_agg(jsonb_build_object(
           'name', a.attname,
           'number', a.attnum,
           'type', format_type(a.atttypid, a.atttypmod),
           -- Of another collation, or of a name that stands for a number, the text is kept.
           'plain', a.atttypid < 16384 and a.attcollation < 16384 and t.typname !~ '^_?reg')
           order by a.attnum), '[]')
    from pg_attribute a
    join pg_type t on t.oid = a.atttypid
   where a.attrelid = relation
     and a.attnum > 0
     and not a.attisdropped
     and a.attgenerated = ''
     and (chosen is null or a.attname = any (chosen))
$function$;

-- The foreign keys that do something to other rows when columns of a table are changed, or where changed is
-- null, its rows deleted: of the table, of what it is a partition of, and of its partitions. keys: the columns
-- that they refer to. fields: those of the child that are written, null where its rows are deleted. follows:
-- whether these get the new values, and the old ones again when the table does.
create or replace function supamigrate.list_links(parent oid, changed name[])
returns table (
  id oid, child oid, referenced oid, child_numbers smallint[], numbers smallint[], keys name[], fields name[],
  follows boolean)
language sql stable
set search_path = pg_catalog, pg_temp
as $function$
  select c.oid, c.conrelid, c.confrelid, c.conkey, c.confkey, names.keys,
         case when changed is not null or c.confdeltype <> 'c' then names.fields end,
         changed is not null and c.confupdtype = 'c'
    from pg_constraint c
   cross join lateral (
     select array_agg(a.attname) filter (where a.attrelid = c.confrelid and a.attnum = any (c.confkey)) as keys,
            array_agg(a.attname) filter (where a.attrelid = c.conrelid and a.attnum = any (
              case when changed is null then coalesce(nullif(c.confdelsetcols, '{}'), c.conkey) else c.conkey end)) as fields
       from pg_attribute a
      where a.attrelid in (c.confrelid, c.conrelid)) names
   where c.contype = 'f'
     and c.conparentid = 0
     and case when changed is null then c.confdeltype else c.confupdtype end in ('c', 'n', 'd')
     and (changed is null or names.keys && changed)
     and c.confrelid in (
       select parent
       union
       select relid from pg_partition_ancestors(parent) relid
       union
       select relid from pg_partition_tree(parent))
   order by c.oid
$function$;

-- The columns of a table that are kept of an UPDATE of some of them: all, where a trigger may set what it likes,
-- until narrow_copy() knows better, but for a batch, whose ranges share a copy; and what the foreign keys that it
-- concerns refer to, to find their rows by. Of a column that the migration has added there is nothing to keep.
-- Null where there are none.
create or replace function supamigrate.overwritten(relation oid, fields name[], known jsonb) returns name[]
language sql stable
set search_path = pg_catalog, pg_temp
as $function$
  select array_agg(a.attname order by a.attnum)
    from pg_attribute a
   where a.attrelid = relation
     and a.attnum > 0
     and not a.attisdropped
     and a.attgenerated = ''
     and (a.attnum <= (known->>relation::text)::integer
          and (a.attname = any (fields) or not known ? 'earlier' and exists (
            select from pg_trigger t
             where (t.tgrelid = relation or t.tgrelid in (select relid from pg_partition_tree(relation)))
               and not t.tgisinternal
               and t.tgenabled <> 'D'
               and t.tgtype & 19 = 19)) -- before update for each row
          or a.attname = any (array(
            select unnest(link.keys) from supamigrate.list_links(relation, fields) link)))
$function$;

-- What tells the rows of a table apart, without some of its columns: null where nothing does.
create or replace function supamigrate.key_of(relation oid, without name[]) returns name[]
language sql stable
set search_path = pg_catalog, pg_temp
as $function$
  select names
    from pg_index i
   cross join lateral (
     select array_agg(a.attname order by k.position) as names, bool_and(a.attnotnull) as filled
       from unnest(i.indkey::smallint[]) with ordinality as k (number, position)
       left join pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.number
      where k.position <= i.indnkeyatts) key
   where i.indrelid = relation
     and i.indisunique and i.indisvalid and i.indimmediate
     and i.indpred is null and i.indexprs is null
     and key.filled
     and not key.names && without
   order by i.indisprimary desc, i.indnkeyatts, i.indexrelid
   limit 1
$function$;

-- A column as it goes into a copy.
create or replace function supamigrate.write_kept(item jsonb, alias text) returns text
language sql immutable
set search_path = pg_catalog, pg_temp
as $function$
  select case when (item->>'plain')::boolean then format('%s.%I', alias, item->>'name')
              else format('%1$s.%2$I::pg_catalog.text collate pg_catalog."C" as %2$I', alias, item->>'name')
         end
$function$;

-- What tells rows that the migration has inserted itself from those that were there before it, as a condition
-- on a table's alias: a rollback is not to bring back what was not there. Null where it has inserted none, or
-- where that cannot be told for certain, as a row that is not kept is lost.
--
-- Both are of this transaction, and what it has updated is kept. So there must be no updates but those that
-- a copy has the keys of, and no rows deleted but by statements that had them kept: they may have been
-- inserted again. No row of before may have come from another partition; and the table's rows must be where
-- they were, as what is written anew looks like what is new.
create or replace function supamigrate.births(relation oid, known jsonb, kept jsonb, alias text) returns text
language plpgsql
set search_path = pg_catalog, pg_temp
set row_security = off
as $function$
declare
  run constant bigint := pg_current_xact_id()::text::bigint;
  is_parted constant boolean := coalesce((known->'written'->relation::text->>4)::boolean, false)
    or exists (select from pg_class where oid = relation and (relispartition or relkind = 'p'));
  key constant smallint[] := supamigrate.numbers_of(relation, supamigrate.key_of(relation, '{}'));
  written record;
  item record;
  matches text;
  is_lost boolean;
  conditions text := '';
begin
  if known->'begun' is null or known ? 'earlier' or current_setting('track_counts') <> 'on' then
    return null;
  end if;
  select coalesce(sum(pg_stat_get_xact_tuples_inserted(c.oid) - coalesce((w.before->>1)::bigint, 0)), 0) as inserted,
         coalesce(sum(pg_stat_get_xact_tuples_updated(c.oid) - coalesce((w.before->>2)::bigint, 0)), 0) as updated,
         coalesce(sum(pg_stat_get_xact_tuples_deleted(c.oid) - coalesce((w.before->>3)::bigint, 0)), 0) as deleted,
         coalesce(bool_or((w.before->>0)::oid <> c.relfilenode), false) as anew
    into written
    from pg_class c
   cross join lateral (select known->'written'->c.oid::text as before) w
   where c.relkind = 'r'
     and (c.oid = relation or c.oid in (select relid from pg_partition_tree(relation)));
  if written.inserted <= 0 or written.updated < 0 or written.anew or is_parted and (
    written.updated > 0 or exists (
      select from jsonb_each(known->'written') part (id, before)
        left join pg_class c on c.oid = part.id::oid and c.relispartition
       where (before->>4)::boolean
         and (c.oid is null
              or pg_stat_get_xact_tuples_deleted(c.oid) <> (before->>3)::bigint)))
    or written.deleted <> (
      select coalesce(sum((entry->>'deleted')::bigint), 0)
        from jsonb_array_elements(kept) entry
       where entry->>'relation_id' = relation::text) then
    return null;
  end if;
  if written.updated > 0 then
    if key is null or written.updated is distinct from (
      select sum((entry->>'updated')::bigint)
        from jsonb_array_elements(kept) entry
       where entry->>'relation_id' = relation::text and entry ? 'updated') then
      return null;
    end if;
    for item in
      select entry->>'copy' as copy, coalesce(entry->'key' = to_jsonb(key), false) as is_known
        from jsonb_array_elements(kept) entry
       where entry->>'relation_id' = relation::text
         and entry ? 'updated'
         -- Without one it has changed nothing but what is new.
         and to_regclass(format('supamigrate_backup.%I', entry->>'copy')) is not null
    loop
      if not item.is_known then
        return null;
      end if;
      select string_agg(format('%2$s.%1$I operator(pg_catalog.=) copy.%1$I', attname, '%1$s'), ' and ') into matches
        from pg_attribute where attrelid = relation and attnum = any (key);
      -- A trigger may change a key as well.
      if exists (select from pg_trigger
                  where tgrelid = relation and not tgisinternal and tgenabled <> 'D' and tgtype & 19 = 19) then
        execute format('select exists (select from supamigrate_backup.%I copy where not exists (select from only %s live where %s))',
                       item.copy, relation::regclass, format(matches, 'live')) into is_lost;
        if is_lost then
          return null;
        end if;
      end if;
      conditions := conditions || format(' and not exists (select from supamigrate_backup.%I copy where %s)',
                                         item.copy, format(matches, alias));
    end loop;
  end if;
  -- Whoever has begun later than this transaction has committed, if the row is there to be seen.
  return format(
    'case when pg_catalog.age(%1$s.xmin) operator(pg_catalog.>=) %2$s then false else pg_catalog.pg_xact_status((%3$s '
    'operator(pg_catalog.-) pg_catalog.age(%1$s.xmin))::pg_catalog.text::pg_catalog.xid8) operator(pg_catalog.=) ''in progress'' end%4$s',
    alias, run - (known->>'begun')::bigint, run, conditions);
end
$function$;

-- The numbers of columns that a copy has as they are, in the order of the table; null where one is not of
-- them.
create or replace function supamigrate.numbers_of(relation oid, names name[]) returns smallint[]
language sql stable
set search_path = pg_catalog, pg_temp
as $function$
  select array_agg((item->>'number')::smallint order by (item->>'number')::smallint)
    from jsonb_array_elements(supamigrate.columns_to_keep(relation, names)) item
  having bool_and((item->>'plain')::boolean) and count(*) = cardinality(names)
$function$;

-- Begins a migration: what it writes has higher numbers of transactions than the one that is returned.
create or replace function supamigrate.begin_births() returns bigint
language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
declare
  reached xid;
begin
  -- In a subtransaction: that has a number of its own, above those of migrations before this one.
  begin
    update supamigrate.installation set id = id where true returning xmin into reached;
  exception when raise_exception then
    raise;
  end;
  return pg_current_xact_id()::text::bigint - age(reached);
end
$function$;

-- Takes from the copies of a statement what the migration has inserted itself.
create or replace function supamigrate.forget_births(kept jsonb, since integer) returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
declare
  settled jsonb := '[]';
  entry jsonb;
  place bigint;
  born bigint;
begin
  if not jsonb_path_exists(kept, '$[*].marked') then
    return kept;
  end if;
  for entry, place in
    select item, ordinality from jsonb_array_elements(kept) with ordinality as list (item, ordinality) order by ordinality
  loop
    if place > since and entry ? 'marked' then
      execute format('delete from supamigrate_backup.%I where "supamigrate own"', entry->>'copy');
      get diagnostics born = row_count;
      if born = (entry->>'rows')::bigint then
        execute format('drop table supamigrate_backup.%I', entry->>'copy');
        continue;
      end if;
      execute format('alter table supamigrate_backup.%I drop column "supamigrate own"', entry->>'copy');
      entry := entry - 'marked' || jsonb_build_object('rows', (entry->>'rows')::bigint - born);
    end if;
    settled := settled || entry;
  end loop;
  return settled;
end
$function$;

-- Makes a copy, and returns what is to be known of it; null where there are no rows.
--
-- choice: with, from and alias, which are the migration's own text, or null; earlier,
-- copies that rows of the same kind are added to; own, where from is this tool's text; and pass, of a copy that knows which rows it is of:
-- where they were, in which transaction, and in which pass they were found. What the migration has inserted
-- itself is marked, for forget_births() to take away when nothing asks for it any more.
create or replace function supamigrate.make_copy(
  kept jsonb, known jsonb, line integer, kind text, relation oid, chosen name[], key name[], choice jsonb, path text
) returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
declare
  styles constant text[] := array[current_setting('datestyle'), current_setting('intervalstyle')];
  number constant bigint := supamigrate.next_copy(kept);
  alias constant text := coalesce(choice->>'alias', 'kept');
  births constant text := supamigrate.births(relation, known, kept, alias);
  target record;
  items jsonb;
  copy_name text;
  statement text;
  copied bigint;
  earlier jsonb;
begin
  select c.relname, c.relkind, format('%I.%I', n.nspname, c.relname) as name
    into strict target
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
   where c.oid = relation;
  items := supamigrate.columns_to_keep(relation, case when chosen is not null then chosen || key end);
  select item into earlier
    from jsonb_array_elements(choice->'earlier') item
   where item->>'relation' = target.name
     and item->>'kind' = make_copy.kind
     and item->>'line' is not distinct from make_copy.line::text
     and item->'columns' = items
     and item->'key' is not distinct from coalesce(to_jsonb(make_copy.key), 'null')
     and supamigrate.knows_rows(item->>'copy') = (choice ? 'pass')
   limit 1;
  copy_name := coalesce(earlier->>'copy',
    format('%s_%s', left(regexp_replace(target.relname, '[^a-z0-9_]', '', 'g'), 40), number));
  statement := format(case when earlier is null then 'create table supamigrate_backup.%I as'
                           else 'insert into supamigrate_backup.%I' end || ' %s select %s %s', copy_name,
    choice->>'with',
    concat_ws(', ',
      (select string_agg(supamigrate.write_kept(item, alias), ', ' order by position)
         from jsonb_array_elements(items) with ordinality as list (item, position)),
      case when choice ? 'pass' then format(
        '%1$s.ctid as "supamigrate row", %1$s.tableoid as "supamigrate table", '
        'pg_catalog.pg_current_xact_id() as "supamigrate run", %2$s as "supamigrate pass"',
        alias, choice->>'pass') end,
      births || ' as "supamigrate own"'),
    coalesce(choice->>'from',
             format('from %s %s as kept', case when target.relkind = 'p' then '' else 'only' end, target.name)));
  if choice->>'from' is not null then
    -- So that nothing comes in between that would be destroyed and not kept. Whoever may delete rows may
    -- lock the table, and need not be allowed to lock rows.
    if has_any_column_privilege(relation, 'update') then
      statement := statement || format(' for update of %s', alias);
    else
      execute format('lock table %s in share row exclusive mode', target.name);
    end if;
    perform set_config('search_path', path, true);
  end if;
  if choice->>'from' is null or choice ? 'own' then
    perform set_config('datestyle', 'ISO, YMD', true), set_config('intervalstyle', 'postgres', true);
  end if;
  execute statement;
  get diagnostics copied = row_count;
  perform pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);
  perform set_config('datestyle', styles[1], true), set_config('intervalstyle', styles[2], true);
  if earlier is not null then
    return case when copied > 0 then earlier || jsonb_build_object('rows', copied, 'more', true) end;
  end if;
  if copied = 0 then
    execute format('drop table supamigrate_backup.%I', copy_name);
    return null;
  end if;
  execute format('revoke all on supamigrate_backup.%I from public, anon, authenticated, service_role',
                 copy_name);
  execute format('comment on table supamigrate_backup.%I is %L', copy_name,
                 format('supamigrate: %s of %s',
                        case kind when 'values' then 'values' else 'rows' end, target.name));
  return jsonb_build_object('id', number, 'line', line, 'kind', kind, 'relation', target.name,
    'relation_id', relation, 'copy', copy_name, 'columns', items, 'key', to_jsonb(key), 'rows', copied)
    || case when births is null then jsonb '{}' else jsonb '{"marked": true}' end;
exception when insufficient_privilege then
  raise exception 'Cannot keep the rows of % before they are destroyed: %', relation::regclass, sqlerrm
    using errcode = 'insufficient_privilege',
          hint = 'Let the owner of exec_sql read the table, or run with --safety-copy never.';
end
$function$;

-- Whether a copy knows which rows it is of.
create or replace function supamigrate.knows_rows(copy_name text) returns boolean
language sql stable
set search_path = pg_catalog, pg_temp
as $function$
  select exists (
    select from pg_attribute a
     where a.attrelid = to_regclass(format('supamigrate_backup.%I', copy_name))
       and a.attname = 'supamigrate row')
$function$;

-- Adds a copy to what was kept; or its rows, where there is that copy already.
create or replace function supamigrate.add_kept(kept jsonb, entry jsonb) returns jsonb
language sql immutable
set search_path = pg_catalog, pg_temp
as $function$
  select case
    when entry is null then kept
    when not kept @> jsonb_build_array(jsonb_build_object('copy', entry->'copy')) then kept || entry
    else (select jsonb_agg(case when item->'copy' = entry->'copy'
                                then item || jsonb_build_object(
                                  'rows', (item->>'rows')::bigint + (entry->>'rows')::bigint)
                                else item end order by position)
            from jsonb_array_elements(kept) with ordinality as list (item, position))
  end
$function$;

-- What goes with something that is dropped, itself included.
create or replace function supamigrate.list_gone(class_id oid, object_id oid, sub_id integer, cascades boolean)
returns table (class_id oid, object_id oid, sub_id integer)
language sql stable
set search_path = pg_catalog, pg_temp
as $function$
  with recursive gone (class_id, object_id, sub_id) as (
    values ($1, $2, $3)
    union
    select next.*
      from gone
     cross join lateral (
       select d.classid, d.objid, d.objsubid
         from pg_depend d
        where d.refclassid = gone.class_id
          and d.refobjid = gone.object_id
          and (gone.sub_id = 0 or d.refobjsubid = gone.sub_id)
          and (d.deptype <> 'n' or cascades)
       union all
       -- Without its rule a view is none, and a generated column without its expression.
       select d.refclassid, d.refobjid, d.refobjsubid
         from pg_depend d
        where gone.class_id in ('pg_rewrite'::regclass, 'pg_attrdef'::regclass)
          and d.classid = gone.class_id
          and d.objid = gone.object_id
          and d.deptype = 'i') next
  )
  select * from gone
$function$;

-- Whether something is a table of the application's that was there before the migration began.
create or replace function supamigrate.is_worth_keeping(relation oid, known jsonb) returns boolean
language sql stable
set search_path = pg_catalog, pg_temp
as $function$
  select exists (
    select from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where c.oid = relation
       and c.relkind in ('r', 'p')
       and c.relpersistence <> 't'
       and n.nspname !~ '^(pg_|supamigrate$|supamigrate_backup$|information_schema$)'
       and (known is null or known ? c.oid::text))
$function$;

-- The tables that rows of a table are in. Of a partitioned table it is that one itself, unless some
-- partition is a foreign table, whose rows are kept elsewhere; of another one it and what inherits.
create or replace function supamigrate.list_parts(relation oid, alone boolean) returns setof oid
language sql stable
set search_path = pg_catalog, pg_temp
as $function$
  with recursive tree (id, relkind) as (
    select oid, c.relkind from pg_class c where oid = relation
    union
    select c.oid, c.relkind
      from tree
      join pg_inherits i on i.inhparent = tree.id
      join pg_class c on c.oid = i.inhrelid
     where not coalesce(alone, false) or tree.relkind = 'p'
  ), root as (
    select id from tree where id = relation and relkind = 'p' and not exists (select from tree where relkind = 'f')
  )
  select id from root
  union all
  select id from tree where relkind = 'r' and not exists (select from root)
$function$;

-- Keeps what foreign keys delete or write along with rows that are deleted, or of which columns are changed, and
-- of which there is a copy; and what goes along with these: pass by pass, until there is nothing that is not
-- kept already. since: how much was kept before the statement.
create or replace function supamigrate.keep_referencing(
  parent oid, changed name[], copied jsonb, known jsonb, kept jsonb, since integer
) returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
declare
  parents jsonb := jsonb_build_array(
    jsonb_build_object('relation', parent, 'changed', changed::text, 'copy', copied->'copy'));
  next_parents jsonb;
  own jsonb;
  pass integer := 1;
  link record;
  entry jsonb;
begin
  while parents <> '[]' loop
    next_parents := '[]';
    for link in
      select l.child as child, l.fields, f.chosen, f.key, parent_item->>'copy' as parent_copy,
             case when l.fields is null then 'rows' else 'values' end as kind,
             case when r.relkind = 'p' then '' else 'only ' end || l.child::regclass as source,
             (select string_agg(format('copy.%1$I = %2$s', p.attname,
                       case when p.atttypid < 16384 and p.attcollation < 16384 then format('kept.%I', a.attname)
                            else format('kept.%I::pg_catalog.text', a.attname) end), ' and ')
                from unnest(l.child_numbers, l.numbers) as k (number, parent_number)
                join pg_attribute a on a.attrelid = l.child and a.attnum = k.number
                join pg_attribute p on p.attrelid = l.referenced and p.attnum = k.parent_number) as condition
        from jsonb_array_elements(parents) parent_item
       cross join lateral supamigrate.list_links(
         (parent_item->>'relation')::oid, (parent_item->>'changed')::name[]) l
        join pg_class r on r.oid = l.child
       cross join lateral (
         select case when l.fields is not null then supamigrate.overwritten(l.child, l.fields, known) end as chosen,
                -- Of a table that refers to itself other columns are changed as well.
                supamigrate.key_of(l.child, coalesce(l.fields, '{}')
                  || case when l.child = parent and changed is not null then changed else '{}' end) as key) f
       where supamigrate.is_worth_keeping(l.child, known)
         and (l.fields is null or f.chosen is not null)
         -- What has no other key gets its old one when its parent does.
         and not (l.follows and f.key is null and f.chosen <@ l.fields
                  and not exists (select from supamigrate.list_links(l.child, l.fields)))
       order by l.id
    loop
      own := coalesce((
        select jsonb_agg(item order by position)
          from jsonb_array_elements(kept) with ordinality as list (item, position)
         where position > since), '[]');
      entry := supamigrate.make_copy(
        kept, known, null, link.kind, link.child, link.chosen, link.key,
        jsonb_build_object('earlier', coalesce(known->'earlier', '[]') || own, 'alias', 'kept', 'own', true, 'pass', pass + 1,
          'from', concat(
            format('from %s as kept where exists (select from supamigrate_backup.%I copy where copy."supamigrate pass" = %s '
                   'and copy."supamigrate run" = pg_current_xact_id() and %s)',
                   link.source, link.parent_copy, pass, link.condition),
            (select string_agg(format(' and not exists (select from supamigrate_backup.%I seen '
                      'where seen."supamigrate row" = kept.ctid and seen."supamigrate table" = kept.tableoid '
                      'and seen."supamigrate run" = pg_current_xact_id())', item->>'copy'), '')
               from jsonb_array_elements(own) item
              where item->>'kind' = link.kind
                and (link.kind = 'rows' or item->>'relation_id' = link.child::text
                     and item->'columns' = supamigrate.columns_to_keep(link.child, link.chosen || link.key))
                and supamigrate.knows_rows(item->>'copy')))),
        'pg_catalog, pg_temp');
      continue when entry is null;
      kept := supamigrate.add_kept(kept, entry || jsonb_build_object('set', to_jsonb(link.fields)));
      next_parents := next_parents || jsonb_build_object(
        'relation', link.child, 'changed', link.fields::text, 'copy', entry->'copy');
    end loop;
    select coalesce(jsonb_agg(distinct item), '[]') into parents from jsonb_array_elements(next_parents) item;
    pass := pass + 1;
  end loop;
  return kept;
end
$function$;

-- The number of the next copy: none that a copy of before has, those included that outlived an
-- uninstallation.
create or replace function supamigrate.next_copy(kept jsonb) returns bigint
language sql stable
set search_path = pg_catalog, pg_temp
as $function$
  select coalesce(
    (select max((entry->>'id')::bigint) + 1 from jsonb_array_elements(kept) entry where not entry ? 'more'),
    greatest(
      (select max(id) from supamigrate.safety_copy),
      (select max(substring(relname from '_(\d{1,18})$')::bigint)
         from pg_class where relnamespace = to_regnamespace('supamigrate_backup')), 0) + 1)
$function$;

-- How far sequences have counted: {name: [last_value, is_called]}; null where there are none.
create or replace function supamigrate.read_sequences(sequences oid[]) returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
declare
  sequence regclass;
  counted jsonb;
  result jsonb;
begin
  foreach sequence in array coalesce(sequences, '{}') loop
    execute format('select jsonb_build_array(last_value, is_called) from %s', sequence) into counted;
    result := coalesce(result, '{}') || jsonb_build_object(sequence::text, counted);
  end loop;
  return result;
end
$function$;

-- What a name that a migration writes stands for, on its search_path: class and number; nothing where
-- there is no such thing.
create or replace function supamigrate.find_named(type text, name text, path text)
returns table (class_id oid, object_id oid)
language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
declare
  -- Before the path is the migration's, which may have operators of its own.
  is_type constant boolean := type in ('type', 'domain');
  is_routine constant boolean := type = 'function';
  is_collation constant boolean := type = 'collation';
  is_relation constant boolean := type not in ('type', 'domain', 'function', 'collation', 'schema', 'extension');
  has_arguments constant boolean := right(name, 1) = ')';
  relation oid;
  of_type oid;
  routine oid;
  of_collation oid;
begin
  perform set_config('search_path', path, true);
  if is_type then
    of_type := pg_catalog.to_regtype(name);
  elsif is_routine and has_arguments then
    begin
      routine := pg_catalog.to_regprocedure(name);
    exception when others then
      null; -- that of PostgreSQL 15 raises where an argument's type is not there: DROP says so, or IF EXISTS
    end;
  elsif is_routine then
    routine := pg_catalog.to_regproc(name);
  elsif is_collation then
    of_collation := pg_catalog.to_regcollation(name);
  elsif is_relation then
    relation := pg_catalog.to_regclass(name);
  end if;
  perform pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);
  return query
    select 'pg_type'::regclass::oid, of_type where of_type is not null
    union all
    select 'pg_proc'::regclass, routine where routine is not null
    union all
    select 'pg_collation'::regclass, of_collation where of_collation is not null
    union all
    select 'pg_class'::regclass, relation where relation is not null
    union all
    select 'pg_namespace'::regclass, n.oid from pg_namespace n where type = 'schema' and n.nspname = (parse_ident(name))[1]
    union all
    select 'pg_extension'::regclass, e.oid from pg_extension e where type = 'extension' and e.extname = (parse_ident(name))[1];
end
$function$;

-- Keeps what a statement is about to destroy. Returns kept with what was added.
--
-- known: the tables that there were before the migration, with the number of their columns; and where what it
-- inserts itself may be told apart: begun (begin_births), and written, of each table where its rows were, how
-- many this transaction had inserted, updated and deleted, and whether it was a partition.
-- path: the migration's search_path.
create or replace function supamigrate.keep(
  destroyed jsonb, line integer, known jsonb, kept jsonb, path text
) returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
set row_security = off
set extra_float_digits = 1
as $function$
declare
  item jsonb;
  target oid;
  part oid;
  fields name[];
  chosen name[];
  cascades boolean;
  entry jsonb;
  since integer;
  kept_before constant integer := jsonb_array_length(kept);
begin
  perform supamigrate.prepare_backup_schema();
  for item in select list.value from jsonb_array_elements(destroyed) list loop
    since := jsonb_array_length(kept);
    if item->>'do' in ('drop', 'alter') then
      kept := supamigrate.keep_dropped(item, line, known, kept, path);
      continue;
    elsif item->>'do' = 'truncate' then
      kept := supamigrate.keep_truncated(item, line, known, kept, path);
      continue;
    end if;
    select object_id into target from supamigrate.find_named('table', item->>'table', path);
    continue when not supamigrate.is_worth_keeping(target, known);
    fields := null;
    if item->>'do' = 'update' then
      fields := array(select jsonb_array_elements_text(item->'columns'));
      continue when not exists (
        select from supamigrate.list_parts(target, (item->>'only')::boolean) list
         where supamigrate.overwritten(list, fields, known) is not null);
    end if;
    if known ? 'earlier' and supamigrate.find_volatile(item) is not null then
      raise exception 'The batch chooses its rows with %(), which is volatile: others would be kept than are changed',
                      supamigrate.find_volatile(item)
        using errcode = 'feature_not_supported',
              hint = 'Mark the function STABLE if it is, choose the rows in another way, or run with --safety-copy never.';
    end if;
    if item->>'do' = 'merge' or item->>'from' is not null and not supamigrate.can_choose_again(item, target, known) then
      kept := supamigrate.keep_state(item, target, line, known, kept);
      continue;
    end if;
    if item->>'from' is null then
      -- Nothing comes in between that would be changed and not kept.
      execute format('lock table %s in share row exclusive mode', target::regclass);
    end if;
    for part in
      select list from supamigrate.list_parts(target, (item->>'only')::boolean) list
       where item->>'from' is null
      union all
      select target where item->>'from' is not null
    loop
      chosen := null;
      if item->>'do' = 'update' then
        chosen := supamigrate.overwritten(part, fields, known);
        continue when chosen is null;
      end if;
      cascades := exists (select from supamigrate.list_links(part, fields));
      entry := supamigrate.make_copy(
        kept, known, line, case item->>'do' when 'delete' then 'rows' else 'values' end,
        part, chosen, supamigrate.key_of(part, coalesce(fields, '{}')),
        item || jsonb_build_object('earlier', coalesce(known->'earlier', '[]'))
             || case when cascades then jsonb '{"pass": 1}' else '{}' end, path);
      if entry is not null then
        kept := kept || (entry || jsonb_build_object('set', to_jsonb(fields)));
        if cascades then
          kept := supamigrate.keep_referencing(part, fields, entry, known, kept, since);
        end if;
      end if;
      if item->>'from' is not null then
        kept := kept || jsonb_build_object('chosen', coalesce(entry->'rows', '0'), 'relation', target::regclass);
      end if;
      if item->>'do' = 'update' and part = target then
        kept := kept || jsonb_build_object('updates', true, 'relation_id', target, 'copy', entry->'copy',
          'key', to_jsonb(supamigrate.numbers_of(part, supamigrate.key_of(part, fields))));
      end if;
    end loop;
    if item->>'do' = 'delete' then
      kept := kept || jsonb_build_object('deletes', true, 'relation_id', target);
    end if;
  end loop;
  return supamigrate.forget_births(kept, kept_before);
end
$function$;

-- A function that a statement's rows are chosen with, and that chooses others each time; null for none.
create or replace function supamigrate.find_volatile(item jsonb) returns name
language sql stable
set search_path = pg_catalog, pg_temp
as $function$
  select min(proname::text)::name
    from pg_proc
   where provolatile = 'v' and proname in (select jsonb_array_elements_text(item->'functions'))
$function$;

-- Whether the text that chooses a statement's rows chooses the same ones before it.
create or replace function supamigrate.can_choose_again(item jsonb, target oid, known jsonb) returns boolean
language sql stable
set search_path = pg_catalog, pg_temp
as $function$
  -- Which table each row is in is not to be read out of a choice among several.
  select (select count(*) from supamigrate.list_parts(target, (item->>'only')::boolean)) = 1
     and supamigrate.find_volatile(item) is null
     -- Texts of dates are kept in one style, and the statement's own are read in that of the migration.
     and (current_setting('datestyle') like 'ISO%' and current_setting('intervalstyle') = 'postgres'
          or not supamigrate.columns_to_keep(target, null) @> '[{"plain": false}]')
$function$;

-- Keeps all that a statement may change or delete, with what foreign keys may do to other tables then.
create or replace function supamigrate.keep_state(
  item jsonb, target oid, line integer, known jsonb, kept jsonb
) returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
declare
  relation oid;
  written name[];
begin
  for relation, written in
    with recursive reached (id, changed) as (
      select part, action.changed
        from supamigrate.list_parts(target, (item->>'only')::boolean) part
       cross join lateral (
         select array(select jsonb_array_elements_text(item->'columns'))::name[] as changed
         union all
         select null where item->>'do' = 'delete' or (item->>'deletes')::boolean) action
      union
      select part, link.fields
        from reached
       cross join lateral supamigrate.list_links(reached.id, reached.changed) link
       cross join lateral supamigrate.list_parts(link.child, true) part
    )
    select id, coalesce(array_agg(field) filter (where field is not null), '{}')
      from reached
      left join lateral unnest(changed) field on true
     where supamigrate.is_worth_keeping(id, known)
     group by id
     order by id
  loop
    execute format('lock table %s in share row exclusive mode', relation::regclass);
    kept := supamigrate.add_kept(kept, supamigrate.make_copy(
      kept, known, line, 'state', relation, null, supamigrate.key_of(relation, written),
      '{"pass": 1}', 'pg_catalog, pg_temp'));
    kept := kept || jsonb_build_object(
      'deleted_before', pg_stat_get_xact_tuples_deleted(relation), 'relation_id', relation);
  end loop;
  return kept;
end
$function$;

-- Leaves out of a copy what an UPDATE could have overwritten by way of a trigger, and has not: what the
-- application writes there later on is not to be overwritten by a rollback.
--
-- entry: set has the columns that the statement sets; null where it overwrites no values.
create or replace function supamigrate.narrow_copy(entry jsonb) returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
set row_security = off
as $function$
declare
  relation constant oid := (entry->>'relation_id')::oid;
  narrowed constant jsonb := entry - 'set';
  matches text;
  names name[];
  differences text;
  there bigint;
  differs boolean[];
  same name[];
begin
  select string_agg(format(case when (item->>'plain')::boolean then 'live.%1$I = copy.%1$I'
                                else 'live.%1$I::text = copy.%1$I' end, item->>'name'), ' and ')
           filter (where entry->'key' ? (item->>'name')),
         array_agg((item->>'name')::name order by item->>'name') filter (where is_open),
         string_agg(format('bool_or(live.%1$I::text is distinct from copy.%1$I::text)', item->>'name'), ', '
                    order by item->>'name') filter (where is_open)
    into matches, names, differences
    from jsonb_array_elements(entry->'columns') item
   cross join lateral (
     select not entry->'key' ? (item->>'name') and not entry->'set' ? (item->>'name') as is_open) asked;
  if matches is null or names is null then
    return narrowed;
  end if;
  execute format('select count(*), array[%s] from supamigrate_backup.%I copy join %s %s live on %s', differences,
    entry->>'copy', case when (select relkind from pg_class where oid = relation) = 'p' then '' else 'only' end,
    relation::regclass, matches)
    into there, differs;
  select array_agg(name) into same from unnest(names, differs) as list (name, is_other) where not is_other;
  -- A trigger may have changed the key as well; and of a copy something has to be left.
  if same is null or there <> (entry->>'rows')::bigint or not exists (
    select from jsonb_array_elements(entry->'columns') item
     where not entry->'key' ? (item->>'name') and (item->>'name')::name <> all (same)) then
    return narrowed;
  end if;
  execute (
    select format('alter table supamigrate_backup.%I %s', entry->>'copy',
                  string_agg(format('drop column %I', name), ', '))
      from unnest(same) name);
  return narrowed || jsonb_build_object('columns', (
    select jsonb_agg(item) from jsonb_array_elements(entry->'columns') item
     where (item->>'name')::name <> all (same)));
end
$function$;

-- Called when the statement has run. What it has left as it was, where it was, goes from the copies of all
-- that it might have changed. And nobody's change comes in between unseen: what a statement has changed is
-- in the copy, or the migration is undone.
create or replace function supamigrate.settle_kept(
  destroyed jsonb, kept jsonb, since integer, affected bigint
) returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
set row_security = off
as $function$
declare
  settled jsonb := '[]';
  entry jsonb;
  position bigint;
  live text;
  same bigint;
  stayed bigint;
begin
  for entry, position in
    select item, ordinality from jsonb_array_elements(kept) with ordinality as list (item, ordinality) order by ordinality
  loop
    if position > since and entry ? 'chosen' then
      if jsonb_array_length(destroyed) = 1 and affected > (entry->>'chosen')::bigint then
        raise exception 'Rows came in between the copy of % and its change', entry->>'relation'
          using errcode = 'lock_not_available', hint = 'Run it again.',
                detail = format('%s rows were kept, and %s changed.', entry->>'chosen', affected);
      end if;
      continue;
    elsif position > since and entry ? 'updates' then
      -- How many it was of several statements in one is not known.
      continue when jsonb_array_length(destroyed) > 1;
      entry := entry - 'updates' || jsonb_build_object('updated', affected);
    elsif position > since and entry ? 'deletes' then
      continue when jsonb_array_length(destroyed) > 1;
      entry := entry - 'deletes' || jsonb_build_object('deleted', affected);
    elsif position > since and entry ? 'deleted_before' then
      entry := entry - 'deleted_before' || jsonb_build_object('deleted',
        pg_stat_get_xact_tuples_deleted((entry->>'relation_id')::oid) - (entry->>'deleted_before')::bigint);
    elsif position > since and entry ? 'set' then
      entry := case when entry->>'kind' = 'values' then supamigrate.narrow_copy(entry) else entry - 'set' end;
    elsif position > since and entry->>'kind' = 'state' then
      live := concat(
        case when (select relkind from pg_class where oid = (entry->>'relation_id')::oid) <> 'p' then 'only ' end,
        (entry->>'relation_id')::oid::regclass);
      execute format(
        'delete from supamigrate_backup.%I copy using %s live '
        'where live.ctid = copy."supamigrate row" and live.tableoid = copy."supamigrate table"',
        entry->>'copy', live);
      get diagnostics same = row_count;
      if same = (entry->>'rows')::bigint then
        execute format('drop table supamigrate_backup.%I', entry->>'copy');
        continue;
      end if;
      -- Where nothing tells rows apart: if none is there but those that stayed, the others were deleted.
      if entry->'key' = 'null' then
        execute format('select count(*) from %s', live) into stayed;
        if stayed = same then
          entry := entry || '{"kind": "rows"}';
        end if;
      end if;
      entry := entry || jsonb_build_object('rows', (entry->>'rows')::bigint - same);
    end if;
    settled := settled || entry;
  end loop;
  return settled;
end
$function$;

create or replace function supamigrate.keep_truncated(
  item jsonb, line integer, known jsonb, kept jsonb, path text
) returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
declare
  relations oid[];
  relation oid;
  entry jsonb;
  counted jsonb;
begin
  with recursive emptied (id) as (
    select part
      from jsonb_to_recordset(item->'tables') as listed (name text, "only" boolean)
     cross join lateral supamigrate.find_named('table', listed.name, path) named
     cross join lateral supamigrate.list_parts(named.object_id, listed."only") part
    union
    select part
      from emptied
      join pg_constraint c on c.confrelid = emptied.id and c.contype = 'f'
     cross join lateral supamigrate.list_parts(c.conrelid, false) part
     where (item->>'cascade')::boolean
  )
  select array_agg(id order by id) into relations
    from emptied where supamigrate.is_worth_keeping(id, known);
  foreach relation in array coalesce(relations, '{}') loop
    execute format('lock table %s in access exclusive mode', relation::regclass);
    entry := supamigrate.make_copy(kept, known, line, 'rows', relation, null,
                                   supamigrate.key_of(relation, '{}'), null, path);
    if entry is not null then
      kept := kept || entry;
    end if;
  end loop;
  if (item->>'restart')::boolean then
    counted := supamigrate.read_sequences((
      select array_agg(d.objid)
        from pg_depend d
        join pg_class c on c.oid = d.objid and c.relkind = 'S'
       where d.classid = 'pg_class'::regclass
         and d.refclassid = 'pg_class'::regclass
         and d.refobjid = any (relations)
         and d.deptype in ('a', 'i')));
    if counted is not null then
      kept := kept || jsonb_build_object('id', supamigrate.next_copy(kept), 'line', line,
                                         'kind', 'objects', 'sequences', counted);
    end if;
  end if;
  return kept;
end
$function$;

-- DROP of all kinds, of columns too; and columns that get another type.
create or replace function supamigrate.keep_dropped(
  item jsonb, line integer, known jsonb, kept jsonb, path text
) returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
declare
  cascades constant boolean := coalesce((item->>'cascade')::boolean, false);
  kept_before constant integer := jsonb_array_length(kept);
  roots jsonb;
  gone jsonb;
  changed jsonb;
  target record;
  entry jsonb;
  counted jsonb;
  definition text;
begin
  if item->>'do' = 'drop' then
    select jsonb_agg(jsonb_build_array(named.class_id, named.object_id, 0)) into roots
      from jsonb_array_elements_text(item->'names') name
     cross join lateral supamigrate.find_named(item->>'type', name, path) named;
  else
    select jsonb_agg(jsonb_build_array('pg_class'::regclass::oid, a.attrelid, a.attnum))
             filter (where dropped.name is not null),
           jsonb_agg(jsonb_build_array('pg_class'::regclass::oid, a.attrelid, a.attnum))
             filter (where dropped.name is null
                       and not supamigrate.is_wider(a.atttypid, a.atttypmod, altered.type))
      into roots, changed
      from supamigrate.find_named('table', item->>'table', path) named
     cross join lateral supamigrate.list_tree(named.object_id) relation
      join pg_attribute a on a.attrelid = relation and a.attnum > 0 and not a.attisdropped
      left join jsonb_array_elements_text(item->'drops') dropped (name) on dropped.name = a.attname
      left join jsonb_to_recordset(item->'types') as altered (name text, type text) on altered.name = a.attname
     where (dropped.name is not null or altered.name is not null)
       -- A column that a child has by itself as well stays in it.
       and (relation = named.object_id or not a.attislocal and a.attinhcount = 1);
    select coalesce(roots, '[]') || coalesce(jsonb_agg(jsonb_build_array(d.classid, d.objid, 0)), '[]') into roots
      from supamigrate.find_named('table', item->>'table', path) named
      join pg_attribute a on a.attrelid = named.object_id
       and a.attname in (select jsonb_array_elements_text(item->'identities'))
      join pg_depend d on d.classid = 'pg_class'::regclass and d.refclassid = 'pg_class'::regclass
       and d.refobjid = a.attrelid and d.refobjsubid = a.attnum and d.deptype = 'i';
  end if;
  select jsonb_agg(distinct jsonb_build_array(list.class_id, list.object_id, list.sub_id)) into gone
    from jsonb_array_elements(roots) root
   cross join lateral supamigrate.list_gone(
     (root->>0)::oid, (root->>1)::oid, (root->>2)::integer, cascades) list;

  for target in
    select (object->>1)::oid as relation
      from jsonb_array_elements(gone) object
     where (object->>0)::oid = 'pg_class'::regclass
       and (object->>2)::integer = 0
       and supamigrate.is_worth_keeping((object->>1)::oid, known)
     order by (object->>1)::oid
  loop
    execute format('lock table %s in access exclusive mode', target.relation::regclass);
    -- A partition's rows are in the copy of what it is a partition of.
    continue when exists (
      select from pg_partition_ancestors(target.relation) ancestor
       where ancestor <> target.relation
         and gone @> jsonb_build_array(jsonb_build_array('pg_class'::regclass::oid, ancestor::oid, 0)))
      and not exists (
        select from pg_partition_tree(pg_partition_root(target.relation)) leaf
          join pg_class c on c.oid = leaf.relid
         where c.relkind = 'f');
    continue when not exists (
      select from supamigrate.list_parts(target.relation, true) part where part = target.relation);
    entry := supamigrate.make_copy(
      kept, known, line, 'table', target.relation, null, null, null, path);
    if entry is not null then
      kept := kept || entry;
    end if;
  end loop;

  for target in
    select a.attrelid as relation, array_agg(a.attname order by a.attnum) as fields
      from jsonb_array_elements(coalesce(gone, '[]') || coalesce(changed, '[]')) object
      join pg_attribute a on a.attrelid = (object->>1)::oid and a.attnum = (object->>2)::integer
     where (object->>0)::oid = 'pg_class'::regclass
       and a.attnum > 0
       and a.attgenerated = ''
       and a.attnum <= (known->>a.attrelid::text)::integer
       and supamigrate.is_worth_keeping(a.attrelid, known)
       and not coalesce(gone, '[]') @> jsonb_build_array(jsonb_build_array('pg_class'::regclass::oid, a.attrelid, 0))
       and not exists (
         select from pg_partition_ancestors(a.attrelid) ancestor where ancestor <> a.attrelid)
     group by a.attrelid
     order by a.attrelid
  loop
    execute format('lock table %s in access exclusive mode', target.relation::regclass);
    entry := supamigrate.make_copy(
      kept, known, line, 'values', target.relation, target.fields,
      supamigrate.key_of(target.relation, target.fields), null, path);
    if entry is not null then
      kept := kept || entry;
    end if;
  end loop;

  -- Functions and collations are dropped all the time, and no rows with them.
  if gone is not null
     and (coalesce(item->>'type', '') not in ('function', 'collation') or jsonb_array_length(kept) > kept_before) then
    counted := supamigrate.read_sequences((
      select array_agg(c.oid order by c.oid)
        from jsonb_array_elements(gone) object
        join pg_class c on c.oid = (object->>1)::oid and c.relkind = 'S'
       where (object->>0)::oid = 'pg_class'::regclass));
    definition := supamigrate.describe_gone(gone);
    if counted is not null or definition is not null then
      kept := kept || jsonb_build_object('id', supamigrate.next_copy(kept), 'line', line,
        'kind', 'objects', 'sequences', counted, 'definition', definition);
    end if;
  end if;
  return kept;
end
$function$;

-- A table and all that inherits from it.
create or replace function supamigrate.list_tree(relation oid) returns setof oid
language sql stable
set search_path = pg_catalog, pg_temp
as $function$
  with recursive tree (id) as (
    select relation
    union
    select i.inhrelid from tree join pg_inherits i on i.inhparent = tree.id
  )
  select id from tree
$function$;

-- Whether every value of a column's type is one of another type as well, unchanged.
create or replace function supamigrate.is_wider(old oid, old_modifier integer, new text) returns boolean
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $function$
declare
  wider constant oid := to_regtype(nullif(new, ''));
begin
  return coalesce(
    wider = old and old <> all ('{numeric,varchar,bpchar,timestamp,timestamptz,time,timetz,interval,bit,varbit}'::regtype[])
    or (old::regtype::text, wider::regtype::text) in (
      ('smallint', 'integer'), ('smallint', 'bigint'), ('integer', 'bigint'), ('real', 'double precision'),
      ('character varying', 'text'))
    or wider = 'numeric'::regtype and old = any ('{int2,int4,int8}'::regtype[]) and new !~ '\(', false);
exception when others then
  return false; -- to_regtype() of PostgreSQL 15 raises what it cannot read
end
$function$;

-- Records what a migration has kept. Called when nothing of the migration can change it any more. Of a
-- range, more says that its rows were added to the copy of those before. What has a number below known's
-- undone was kept of the version before when that was rolled back.
create or replace function supamigrate.record_kept(migration jsonb, purpose text, kept jsonb, known jsonb) returns void
language sql
set search_path = pg_catalog, pg_temp
as $function$
  update supamigrate.safety_copy copy
     set row_count = copy.row_count + added.rows
    from (select (entry->>'id')::bigint as id, sum((entry->>'rows')::bigint) as rows
            from jsonb_array_elements(kept) entry
           where entry ? 'more'
           group by 1) added
   where copy.id = added.id;
  insert into supamigrate.safety_copy
    (id, migration_name, batch_number, purpose, line, kind, relation, relation_id, former_name,
     former_columns, copy_name, columns, key_columns, row_count, sequences, definition, is_open)
  select (entry->>'id')::bigint, migration->>'name', (migration->>'batch')::integer, made.purpose,
         (entry->>'line')::integer, entry->>'kind', entry->>'relation',
         (entry->>'relation_id')::oid, nullif(known->'names'->>(entry->>'relation_id'), entry->>'relation'),
         (select jsonb_object_agg(item->>'name', former.name)
            from jsonb_array_elements(entry->'columns') item
           cross join lateral (
             select known->'columns'->(entry->>'relation_id')->>(item->>'number') as name) former
           where former.name <> item->>'name'
              or (item->>'number')::integer > (known->>(entry->>'relation_id'))::integer),
         entry->>'copy',
         entry->'columns',
         (select array_agg(field) from jsonb_array_elements_text(nullif(entry->'key', 'null')) field),
         (entry->>'rows')::bigint, nullif(entry->'sequences', 'null'), entry->>'definition',
         made.purpose = 'apply'
    from jsonb_array_elements(kept) entry
   cross join lateral (
     select case when (entry->>'id')::bigint < (known->>'undone')::bigint then 'rollback'
                 else record_kept.purpose end as purpose) made
   where entry ? 'id' and not entry ? 'more'
$function$;

-- What is told of copies.
create or replace function supamigrate.describe_kept(kept jsonb) returns jsonb
language sql immutable
set search_path = pg_catalog, pg_temp
as $function$
  select coalesce(jsonb_agg(jsonb_build_object(
           'id', entry->'id', 'relation', entry->'relation', 'copy', entry->'copy', 'rows', entry->'rows',
           'kind', entry->'kind', 'line', entry->'line') order by (entry->>'id')::bigint)
           filter (where entry->>'kind' <> 'objects'), '[]')
    from jsonb_array_elements(kept) entry
$function$;
