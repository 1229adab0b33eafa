-- The protocol. Reading this file top to bottom is reading it step by step:
--
--   acquire   takes the lock if it is free or expired, and if nothing has changed since the
--             caller looked. Raises the generation.
--   perform   every change: one operation under the lock, done once.
--   settle    the caller lost a reply: was the operation done? If not, it never will be.
--   unlock    takes the lock from whoever has it. Always safe, because of the generation.
--
-- Times are clock_timestamp() of this server; no client's clock is ever looked at.

create or replace function supamigrate.describe_lock(held supamigrate.migration_lock)
returns jsonb
language sql stable
set search_path = pg_catalog, pg_temp
as $function$
  select jsonb_build_object(
    'is_locked', held.is_locked,
    'locked_by', held.locked_by,
    'process_id', held.process_id,
    'locked_at', held.locked_at,
    'age_ms', case when held.is_locked
      then (extract(epoch from clock_timestamp() - held.locked_at) * 1000)::bigint end,
    'expires_in_ms', case when held.is_locked
      then (extract(epoch from held.expires_at - clock_timestamp()) * 1000)::bigint end,
    'generation', held.generation,
    'sequence', held.sequence)
$function$;

create or replace function supamigrate.busy() returns jsonb
language sql stable
set search_path = pg_catalog, pg_temp
as $function$
  select jsonb_build_object(
    'status', 'busy',
    'lock', supamigrate.describe_lock(held),
    'activity', supamigrate.describe_activity())
    from supamigrate.migration_lock held
   where id = 1
$function$;

-- Takes the lock row. Returns null where another call still has it when the time is over.
create or replace function supamigrate.take_lock_row(patience text default '10s')
returns supamigrate.migration_lock
language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
declare
  held supamigrate.migration_lock;
begin
  perform set_config('lock_timeout', patience, true);
  select * into held from supamigrate.migration_lock where id = 1 for update;
  return held;
exception when lock_not_available then
  return null;
end
$function$;

create or replace function supamigrate.write_log(
  call jsonb, action text, result text,
  migration_name text default null, batch_number integer default null,
  checksum text default null, execution_time_ms integer default null,
  details jsonb default null, rollback_sql text default null
) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
begin
  -- chain_entry() numbers the entry: what stands here keeps the sequence from being asked.
  insert into supamigrate.migration_log
    (id, action, migration_name, batch_number, checksum, result, execution_time_ms,
     actor, tool_version, operation_id, details, rollback_checksum)
  overriding system value
  values
    (0, action, migration_name, batch_number, checksum, result, execution_time_ms,
     call->>'holder', call->>'tool_version', (call->>'operation')::uuid, details,
     encode(sha256(convert_to(rollback_sql, 'UTF8')), 'hex'));
end
$function$;

-- call: token, holder, process_id, lease_ms, generation and sequence as the caller saw them.
create or replace function supamigrate.acquire(call jsonb) returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
declare
  held supamigrate.migration_lock;
  opened text;
begin
  if pg_is_in_recovery() then
    raise exception 'This server is a read replica' using errcode = 'read_only_sql_transaction';
  end if;
  select string_agg(format('%s by %s', function_name, role_name), ', ')
    into opened
    from supamigrate.open_doors();
  if opened is not null then
    raise exception 'A function that runs any SQL is callable: %', opened using errcode = 'SM002';
  end if;
  perform supamigrate.refuse_breaches('supamigrate is not safe to use');

  -- Without these the lock could be taken and never be told whose it is, or when it ends.
  if call->>'token' is null then
    raise exception 'The call brings no token' using errcode = 'null_value_not_allowed';
  end if;
  if coalesce((call->>'lease_ms')::integer, 0) < 1 then
    raise exception 'lease_ms has to be at least 1' using errcode = 'invalid_parameter_value';
  end if;

  -- A row that stays taken belongs to a migration in flight: the lock is held, expired or not.
  -- Another acquisition, such as an earlier copy of this call, is over in a moment.
  held := supamigrate.take_lock_row('300ms');
  if held.id is null then
    select * into held from supamigrate.migration_lock where id = 1;
    return jsonb_build_object(
      'status', case when held.is_locked then 'held' else 'moved' end,
      'lock', supamigrate.describe_lock(held));
  end if;

  if held.is_locked and held.token = (call->>'token')::uuid then
    return jsonb_build_object('status', 'acquired', 'lock', supamigrate.describe_lock(held));
  end if;
  if held.is_locked and held.expires_at > clock_timestamp() then
    return jsonb_build_object('status', 'held', 'lock', supamigrate.describe_lock(held));
  end if;
  -- Nothing was planned on what has changed since, and a late copy of an earlier request
  -- of this caller does not take a lock that nobody would release.
  if held.generation is distinct from (call->>'generation')::bigint
     or held.sequence is distinct from (call->>'sequence')::bigint then
    return jsonb_build_object('status', 'moved', 'lock', supamigrate.describe_lock(held));
  end if;

  if held.is_locked then
    perform supamigrate.write_log(call, 'take over expired lock', 'ok',
      details => supamigrate.describe_lock(held));
  end if;
  perform supamigrate.retract_announcement();
  delete from supamigrate.staged_part where true; -- safeupdate wants one
  update supamigrate.migration_lock
     set is_locked = true,
         locked_by = left(call->>'holder', 255),
         process_id = left(call->>'process_id', 100),
         token = (call->>'token')::uuid,
         locked_at = clock_timestamp(),
         lease_ms = (call->>'lease_ms')::integer,
         expires_at = clock_timestamp() + (call->>'lease_ms')::integer * interval '1 millisecond',
         generation = generation + 1,
         sequence = 0
   where id = 1
  returning * into held;
  return jsonb_build_object('status', 'acquired', 'lock', supamigrate.describe_lock(held));
end
$function$;

-- What perform and settle have in common, once they have the lock row: the reply that ends the
-- call, or null where the caller holds the lock and the operation has not been done. What a call
-- leaves out is null, which is like nothing that was seen.
create or replace function supamigrate.reply_early(held supamigrate.migration_lock, call jsonb)
returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
declare
  known supamigrate.operation;
begin
  if held.id is null then
    return supamigrate.busy();
  end if;
  if call->>'operation' is null or call->>'sequence' is null then
    raise exception 'The call names no operation, or not the step that it was sent in'
      using errcode = 'null_value_not_allowed';
  end if;
  select * into known from supamigrate.operation where id = (call->>'operation')::uuid;
  if found then
    return jsonb_build_object('status', 'done', 'sequence', known.sequence + 1, 'reply', known.reply);
  end if;
  if not held.is_locked
     or held.token is distinct from (call->>'token')::uuid
     or held.generation is distinct from (call->>'generation')::bigint then
    return jsonb_build_object('status', 'lost', 'lock', supamigrate.describe_lock(held));
  end if;
  return null;
end
$function$;

-- PostgREST's own statements on this connection. A migration that has deallocated them has broken
-- it: nothing can be committed on it any more, and every other request that gets it would fail.
create or replace function supamigrate.count_protocol_statements() returns bigint
language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
begin
  return (select count(*) from pg_prepared_statements where not from_sql);
end
$function$;

-- call: operation, token, generation, sequence, action, and what the action needs, which may have come
-- in parts: then staged says which ones, and from which one on they are parts of the call itself. A call
-- may have megabytes, and a plan of its own for its parameters would copy them for each mention: here plans
-- are for any parameters.
create or replace function supamigrate.perform(call jsonb) returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
as $function$
declare
  held supamigrate.migration_lock := supamigrate.take_lock_row();
  early jsonb := supamigrate.reply_early(held, call);
  protocol_statements constant bigint := supamigrate.count_protocol_statements();
  staged constant jsonb := call->'staged';
  reply jsonb;
begin
  if early is not null then
    return early;
  end if;
  if held.sequence <> (call->>'sequence')::bigint then
    return jsonb_build_object('status', 'stale', 'sequence', held.sequence);
  end if;
  if staged is not null then
    if not supamigrate.is_staged(staged) then
      return jsonb_build_object('status', 'unstaged', 'sequence', held.sequence);
    end if;
    -- The statements are among the parts before, and read as they are run.
    if staged ? 'first' then
      call := call || supamigrate.read_parts(
        (staged->>'body')::uuid, (staged->>'first')::integer, (staged->>'parts')::integer);
    end if;
  end if;

  reply := case call->>'action'
    when 'apply'    then supamigrate.apply(call)
    when 'revert'   then supamigrate.revert(call)
    when 'advance'  then supamigrate.advance(call)
    when 'refresh'  then supamigrate.refresh_rollback(call)
    when 'baseline' then supamigrate.baseline(call)
    when 'repair'   then supamigrate.repair(call)
    when 'ledger'   then supamigrate.repair_ledger(call)
    when 'seed'     then supamigrate.seed(call)
    when 'give up'  then supamigrate.give_up(call)
    when 'drop'     then supamigrate.drop_application_schemas(call)
    when 'forget'   then supamigrate.drop_copies(call)
    when 'wait'     then supamigrate.measure_load() -- renews the lease
    when 'announce' then supamigrate.announce(call)
    when 'release'  then supamigrate.leave_schema(call, held)
  end;
  if reply is null then
    raise exception 'Unknown action "%"', call->>'action' using errcode = 'invalid_parameter_value';
  end if;
  if supamigrate.count_protocol_statements() < protocol_statements then
    perform pg_terminate_backend(pg_backend_pid()); -- PostgREST makes a new one
  end if;

  insert into supamigrate.operation (id, generation, sequence, action, reply)
  values ((call->>'operation')::uuid, held.generation, held.sequence, call->>'action', reply);

  -- What has failed may be tried again.
  if call->>'action' = 'release'
     or staged is not null and not jsonb_path_exists(reply, '$.results[*] ? (@.success == false)') then
    delete from supamigrate.staged_part where call->>'action' = 'release' or body = (staged->>'body')::uuid;
  end if;
  if call->>'action' = 'release' then
    update supamigrate.migration_lock
       set is_locked = false, generation = generation + 1, sequence = 0
     where id = 1;
  else
    update supamigrate.migration_lock
       set sequence = sequence + 1,
           expires_at = clock_timestamp() + lease_ms * interval '1 millisecond'
     where id = 1;
  end if;
  return jsonb_build_object('status', 'done', 'sequence', held.sequence + 1, 'reply', reply);
end
$function$;

-- call: operation, token, generation, and the sequence that the operation was sent with.
-- Waits for an attempt in flight by taking the row. Where the operation is not in the ledger
-- the sequence is raised, so that an attempt still under way comes too late; asking twice
-- raises it once.
create or replace function supamigrate.settle(call jsonb) returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
declare
  held supamigrate.migration_lock := supamigrate.take_lock_row();
  early jsonb := supamigrate.reply_early(held, call);
begin
  if early is not null then
    return early;
  end if;

  update supamigrate.migration_lock
     set sequence = sequence + 1
   where id = 1 and sequence = (call->>'sequence')::bigint
  returning sequence into held.sequence;
  if not found then
    select sequence into held.sequence from supamigrate.migration_lock where id = 1;
  end if;
  return jsonb_build_object('status', 'not_done', 'sequence', held.sequence);
end
$function$;

-- call: generation of the lock that is meant, so that a newer one is left alone.
create or replace function supamigrate.unlock(call jsonb) returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
declare
  held supamigrate.migration_lock := supamigrate.take_lock_row();
begin
  if held.id is null then
    return supamigrate.busy();
  end if;
  if not held.is_locked or held.generation is distinct from (call->>'generation')::bigint then
    return jsonb_build_object('status', 'moved', 'lock', supamigrate.describe_lock(held));
  end if;
  update supamigrate.migration_lock
     set is_locked = false, generation = generation + 1, sequence = 0
   where id = 1;
  perform supamigrate.write_log(call, 'unlock', 'ok', details => supamigrate.describe_lock(held));
  return jsonb_build_object('status', 'unlocked', 'lock', supamigrate.describe_lock(held));
end
$function$;
