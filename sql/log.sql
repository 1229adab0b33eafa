-- The audit log only grows, and shows where it was changed all the same: each entry carries a hash
-- of itself and of the hash before it, and the lock row keeps the last one. Who owns the tables
-- can rewrite all of that; whoever noted a hash down elsewhere finds that out as well.

create or replace function supamigrate.refuse_log_change() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
begin
  raise exception 'supamigrate.migration_log is append-only: % refused', lower(tg_op)
    using errcode = 'insufficient_privilege';
end
$function$;

-- Built-in functions alone, and no text form that a setting of the session has a say in: a
-- migration may have set TimeZone or DateStyle by the time that its entry is written. An array
-- of JSON tells null from '' and one column from the next.
create or replace function supamigrate.hash_entry(previous text, entry supamigrate.migration_log)
returns text
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $function$
begin
  return encode(sha256(convert_to(jsonb_build_array(
    previous, entry.id, (extract(epoch from entry.logged_at) * 1000000)::bigint,
    entry.action, entry.migration_name, entry.batch_number, entry.checksum, entry.result,
    entry.execution_time_ms, entry.actor, entry.tool_version, entry.operation_id,
    entry.details, entry.rollback_checksum)::text, 'UTF8')), 'hex');
end
$function$;

-- Every writer has the lock row already, so that entries are chained in the order of their
-- numbers. What a subtransaction takes back, it takes back with its link.
create or replace function supamigrate.chain_entry() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
begin
  -- The sequence, which its owner can set anywhere, has no say in the order. Who writes past the
  -- tool's functions has not got the lock row yet.
  perform from supamigrate.migration_lock where id = 1 for update;
  new.id := (select coalesce(max(id), 0) + 1 from supamigrate.migration_log);
  update supamigrate.migration_lock
     set log_head = supamigrate.hash_entry(log_head, new)
   where id = 1
  returning log_head into strict new.hash;
  return new;
end
$function$;

-- ALWAYS: whatever session_replication_role says.
create or replace trigger migration_log_is_append_only
  before update or delete or truncate on supamigrate.migration_log
  for each statement execute function supamigrate.refuse_log_change();
create or replace trigger migration_log_is_chained
  before insert on supamigrate.migration_log
  for each row execute function supamigrate.chain_entry();
alter table supamigrate.migration_log
  enable always trigger migration_log_is_append_only,
  enable always trigger migration_log_is_chained;

-- Whether each entry has the hash that it should have, and the last one is the one that the lock
-- row keeps. Returns {entries, head, broken_entry, complete}.
create or replace function supamigrate.verify_log() returns jsonb
language sql stable
set search_path = pg_catalog, pg_temp
as $function$
  with chain as (
    select entry.id, entry.hash,
           supamigrate.hash_entry(lag(entry.hash) over (order by entry.id), entry) as expected
      from supamigrate.migration_log entry
  )
  select jsonb_build_object(
    'entries', (select count(*) from chain),
    'head', log_head,
    'broken_entry', (select min(id) from chain where hash is distinct from expected),
    'complete', log_head is not distinct from (
      select hash from supamigrate.migration_log order by id desc limit 1))
    from supamigrate.migration_lock
   where id = 1
$function$;

-- Takes the log as it stands for what it should be: for entries from before there were hashes,
-- and where someone has looked into a broken chain. That it was done is an entry of its own.
create or replace function supamigrate.rechain_log() returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
declare
  entry supamigrate.migration_log;
  head_before text;
  previous text;
  expected text;
  first_entry bigint;
  entries bigint := 0;
begin
  select log_head into strict head_before from supamigrate.migration_lock where id = 1 for update;
  alter table supamigrate.migration_log disable trigger migration_log_is_append_only;
  for entry in select * from supamigrate.migration_log order by id loop
    expected := supamigrate.hash_entry(previous, entry);
    if entry.hash is distinct from expected then
      update supamigrate.migration_log set hash = expected where id = entry.id;
      first_entry := coalesce(first_entry, entry.id);
      entries := entries + 1;
    end if;
    previous := expected;
  end loop;
  alter table supamigrate.migration_log enable always trigger migration_log_is_append_only;
  update supamigrate.migration_lock set log_head = previous where id = 1;
  insert into supamigrate.migration_log (id, action, result, actor, details)
  overriding system value
  values (0, 'chain entries', 'ok', current_user, jsonb_build_object(
    'first', first_entry, 'entries', entries, 'head_before', head_before));
end
$function$;

do $block$
begin
  if exists (select from supamigrate.migration_log where hash is null)
     or exists (select from supamigrate.migration_log)
        and (select log_head is null from supamigrate.migration_lock where id = 1) then
    perform supamigrate.rechain_log();
  end if;
end
$block$;

-- What the log says of each migration: which version is applied, of which statements, which
-- rollback SQL is stored, which steps are done of one that is not done as a whole, and which entry is
-- its first application since it was last undone. The history has to say the same.
create or replace function supamigrate.logged_state()
returns table (
  migration_name text, applied_checksum text, rollback_checksum text, statements_checksum text,
  digests jsonb, first_applied bigint
)
language sql stable
set search_path = pg_catalog, pg_temp
as $function$
  select entry.migration_name,
         (array_agg(entry.checksum order by entry.id desc)
            filter (where entry.action not in ('refresh rollback', 'apply step', 'rollback step')))[1],
         (array_agg(entry.rollback_checksum order by entry.id desc)
            filter (where entry.action not in ('rollback', 'apply step', 'rollback step')))[1],
         (array_agg(entry.details->>'statements_checksum' order by entry.id desc)
            filter (where entry.action not in ('refresh rollback', 'apply step', 'rollback step')))[1],
         (array_agg(case when entry.action like '% step' then entry.details->'digests' end
                    order by entry.id desc)
            filter (where entry.action not like 'refresh %'))[1],
         -- A renamed migration has the place of the entry of its old name.
         (array_agg(coalesce((entry.details->>'first_applied')::bigint, entry.id) order by entry.id)
            filter (where entry.action in ('apply', 'apply step', 'baseline', 'mark applied')
                      and entry.id > coalesce(entry.undone, 0)))[1]
    from (select *, max(id) filter (where action in ('rollback', 'mark pending'))
                      over (partition by logged.migration_name) as undone
            from supamigrate.migration_log logged
           where result = 'ok'
             and action in ('apply', 'baseline', 'mark applied', 'mark pending', 'rollback',
                            'refresh rollback', 'refresh checksum', 'apply step', 'rollback step')
             and id > coalesce((
               select max(id) from supamigrate.migration_log
                where action = 'drop application schemas'), 0)) entry
   group by entry.migration_name
$function$;
