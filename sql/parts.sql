-- Calls that are larger than a gateway lets through come in parts, before the call itself, which names
-- them. What is in them is done in the transaction of that call, and under the same checks; a part by
-- itself changes nothing. So a part may arrive twice, or after its call: it is there once, and what is
-- left goes with the end of the run, or with whoever takes the lock next.

-- call: token and generation of the lock, body (which call it is a part of), number, digest and content.
create or replace function supamigrate.stage(call jsonb) returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
declare
  held supamigrate.migration_lock := supamigrate.take_lock_row();
  content constant text := call->>'content';
begin
  if held.id is null then
    return supamigrate.busy();
  end if;
  if not held.is_locked
     or held.token is distinct from (call->>'token')::uuid
     or held.generation is distinct from (call->>'generation')::bigint then
    return jsonb_build_object('status', 'lost', 'lock', supamigrate.describe_lock(held));
  end if;
  if encode(sha256(convert_to(content, 'UTF8')), 'hex') is distinct from call->>'digest' then
    raise exception 'Part % has not come as it was sent', call->>'number' using errcode = 'data_exception';
  end if;
  insert into supamigrate.staged_part (body, number, content)
  values ((call->>'body')::uuid, (call->>'number')::integer, content)
  on conflict do nothing;
  -- Whoever sends is at work.
  update supamigrate.migration_lock
     set expires_at = clock_timestamp() + lease_ms * interval '1 millisecond'
   where id = 1;
  return jsonb_build_object('status', 'staged');
end
$function$;

-- Whether all of a call is there. staged: body, and how many parts it has.
create or replace function supamigrate.is_staged(staged jsonb) returns boolean
language sql stable
set search_path = pg_catalog, pg_temp
as $function$
  select count(*) = (staged->>'parts')::bigint
    from supamigrate.staged_part
   where body = (staged->>'body')::uuid
$function$;

-- What came in some parts, one after the other. They are read when they are needed, and no more of them
-- at once, as the server may have less memory than a call has megabytes.
create or replace function supamigrate.read_parts(body uuid, first integer, last integer) returns jsonb
language sql stable
set search_path = pg_catalog, pg_temp
as $function$
  select string_agg(part.content, '' order by part.number)::jsonb
    from supamigrate.staged_part part
   where part.body = read_parts.body and part.number between first and last
$function$;
