-- The only function that the REST API shows. Runs SQL as the owner and returns its rows as a
-- JSON array (empty where the statement returns none). Values belong into params, which the
-- SQL reads as $1; nothing is ever put together from a value. Where params has a search_path, the
-- SQL runs with that one.
--
-- Who may call it is looked at by the function itself, before anything else: a dump that is restored
-- into another project does not carry the grants below, and that project's default privileges open
-- new functions to anon and authenticated. The setting role is the API's role, also in here; on a
-- direct connection it is none.
--
-- While the search_path is the statement's, no operator and no unqualified name is used here:
-- public may hold a function that matches better than the built-in one, and whoever made it would
-- have it run as the owner.
--
-- What a role, a database or the server sets has no say in how the tool's SQL is read, and how names
-- are written: quoted alike always, digests and lists can be compared.
--
-- statement_timeout: PostgREST takes a function's own setting for the whole transaction, so
-- that a long migration is not cancelled after authenticator's eight seconds.

create or replace function public.exec_sql(sql_query text, params jsonb default '{}'::jsonb)
returns jsonb
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
set standard_conforming_strings = on
set quote_all_identifiers = off
set statement_timeout = 0
as $function$
declare
  caller name := coalesce(nullif(current_setting('role'), 'none'), session_user);
  result_cursor refcursor;
  result_row record;
  result_rows jsonb[] := '{}';
  opened boolean := true;
  state text;
  message text;
  detail text;
  hint text;
  -- The connection goes back into the API's pool as it was found. Uninstalling drops the
  -- function that sees to it, so it is looked up when it is needed.
  clean_up constant text := $sql$
    do $block$
    begin
      if pg_catalog.to_regprocedure('supamigrate.leave_clean()') is not null then
        perform supamigrate.leave_clean();
      end if;
    end
    $block$
  $sql$;
  -- PostgREST sets these two for the session, where RESET ALL would undo them.
  encoding text := current_setting('client_encoding');
  notices text := current_setting('client_min_messages');
begin
  if not pg_has_role(caller, 'service_role', 'member') then
    raise exception 'permission denied for function exec_sql: % is not service_role', caller
      using errcode = 'insufficient_privilege';
  end if;

  -- A temporary table that another request left would be found before the table it is called like.
  discard temp;

  begin
    perform set_config('search_path',
      coalesce(params->>'search_path', '"$user", public, extensions'), true);

    -- Opening a cursor plans the statement and executes nothing, so falling back to a plain
    -- EXECUTE (no rows to return, or several statements) cannot run anything twice.
    begin
      open result_cursor for execute sql_query using params;
    exception when others then
      opened := false;
    end;

    if opened then
      loop
        fetch result_cursor into result_row;
        exit when not found;
        result_rows := pg_catalog.array_append(result_rows, pg_catalog.to_jsonb(result_row));
      end loop;
      close result_cursor;
    else
      execute sql_query using params;
    end if;
  exception
    when serialization_failure or deadlock_detected then
      -- PostgREST repeats a transaction that ends with 40001, without limit before 16.
      get stacked diagnostics state = returned_sqlstate, message = message_text,
        detail = pg_exception_detail, hint = pg_exception_hint;
      detail := concat_ws(': ', state, nullif(detail, ''));
      execute clean_up;
      raise exception using errcode = 'PT409', message = message, detail = detail, hint = hint;
    when query_canceled or assert_failure or others then
      execute clean_up;
      raise;
  end;

  execute clean_up;
  perform pg_catalog.set_config('client_encoding', encoding, false);
  perform pg_catalog.set_config('client_min_messages', notices, false);

  return pg_catalog.to_jsonb(result_rows);
end
$function$;

comment on function public.exec_sql(text, jsonb) is
  'supamigrate: runs SQL for the service role, and for nobody else';

-- By name as well as from PUBLIC: default privileges grant new functions to anon and
-- authenticated by name, which revoking from PUBLIC alone would leave in place.
revoke all on function public.exec_sql(text, jsonb) from public, anon, authenticated;
grant execute on function public.exec_sql(text, jsonb) to service_role;
