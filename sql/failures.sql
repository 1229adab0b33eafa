-- What is said of a failure.

-- What a failure of a migration comes from here, and not in psql: null where it is the same there.
create or replace function supamigrate.explain_failure(state text, message text) returns text
language sql stable
set search_path = pg_catalog, pg_temp
as $function$
  select case
    when state = '21000' and message ~ 'requires a WHERE clause$' then
      'The API''s connections of this project refuse UPDATE and DELETE without WHERE (safeupdate), '
      'and do not let it be turned off: write WHERE true.'
    when state = '42501' and message ~ '^cannot set parameter "(role|session_authorization)"' then
      'Through the API a migration runs inside a function with its owner''s rights, where PostgreSQL '
      'lets no other role be set. Use --via direct, or leave the role as it is.'
    -- Settings of a library that is not loaded are known from the server's configuration, and
    -- this view does not have them.
    when state in ('42501', '0A000')
         and current_setting('role') <> 'none'
         and current_setting('supautils.reserved_roles', true) is not null
         and not exists (select from pg_settings where name = 'supautils.reserved_roles') then
      'The API''s connections of this project do not load supautils, which on Supabase gives '
      'postgres such rights (extensions, policies and triggers on auth, storage and realtime, event '
      'triggers, publications). Use --via direct or --via management.'
  end
$function$;

-- What PostgreSQL says of a failure may quote SQL that the migration made itself, with a password
-- or a key in it. The rest of that SQL is what its reader needs.
create or replace function supamigrate.hide_secrets(said text) returns text
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $function$
begin
  said := regexp_replace(said, '(\mpassword\s+)(e?''([^'']|'''')*''?)', '\1''[hidden]''', 'gi');
  said := regexp_replace(said, '(\mpassword\s+)\$\w*\$.*', '\1[hidden]', 'gi');
  said := regexp_replace(said, '\msb_secret_[\w-]+', '[hidden]', 'g');
  said := regexp_replace(said, '\meyJ[\w-]+\.[\w-]+\.[\w-]+', '[hidden]', 'g');
  return regexp_replace(said, '(-----BEGIN [A-Z ]*PRIVATE KEY-----).*', '\1 [hidden]');
end
$function$;

-- A function that calls itself until the stack ends has thousands of frames, and a frame may quote
-- SQL of any length. Where the error was comes first, and where it all began last.
create or replace function supamigrate.shorten_context(context text) returns text
language sql immutable
set search_path = pg_catalog, pg_temp
as $function$
  select string_agg(
           case when number = 13 and total > 16 then format('… %s more lines …', total - 15)
                when length(frame) > 500 then left(frame, 499) || '…'
                else frame
           end, E'\n' order by number)
    from (select frame, number, count(*) over () as total
            from regexp_split_to_table(context, '\n') with ordinality as list (frame, number)) frames
   where total <= 16 or number <= 13 or number > total - 3
$function$;
