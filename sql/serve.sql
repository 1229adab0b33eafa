-- Asks a query of the user's, on the owner's search_path: {found, value}, with the first column of the
-- first row. It can change nothing, nor can a function that it calls.
--
-- call: query, and id, by which cancel_asked finds it.
create or replace function supamigrate.ask(call jsonb) returns jsonb
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $function$
declare
  path constant text := supamigrate.default_search_path();
  answer refcursor;
  first_row record;
  is_there boolean;
begin
  perform set_config('transaction_read_only', 'on', true);
  perform set_config('application_name', 'supamigrate check ' || (call->>'id'), true);
  perform set_config('search_path', path, true);
  open answer for execute call operator(pg_catalog.->>) 'query';
  fetch answer into first_row;
  is_there := found;
  close answer;
  perform pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);
  return jsonb_build_object('found', is_there, 'value', case when is_there then (
    select value from json_each(to_json(first_row)) limit 1) end);
end
$function$;

-- Ends a query that takes too long; the API has none of them end by itself.
create or replace function supamigrate.cancel_asked(call jsonb) returns jsonb
language sql volatile
set search_path = pg_catalog, pg_temp
as $function$
  select jsonb_build_object('cancelled', coalesce(bool_or(pg_cancel_backend(pid)), false))
    from pg_stat_activity
   where application_name = 'supamigrate check ' || (call->>'id')
     and state = 'active'
     and datname = current_database()
     and pid <> pg_backend_pid()
$function$;

-- For channels that send a text and get the rows of its last statement back, as the Management API
-- does: runs one statement, which reads params as $1 and has a column result, and leaves the
-- connection clean, as exec_sql does, after errors too. It runs with the rights of its caller.

create or replace function supamigrate.serve(statement text, params jsonb) returns jsonb
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $function$
declare
  result jsonb;
begin
  discard temp;

  begin
    execute statement into result using params;
  exception when query_canceled or assert_failure or others then
    reset session authorization;
    perform supamigrate.leave_clean();
    raise;
  end;

  -- A migration may have become another role, which RESET ALL leaves as it is.
  reset session authorization;
  perform supamigrate.leave_clean();
  return result;
end
$function$;
