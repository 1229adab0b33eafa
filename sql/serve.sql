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
