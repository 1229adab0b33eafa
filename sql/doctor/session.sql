-- What `doctor` asks about the API's connection that it is on: what a migration would find there.
-- What an earlier request left shows as long as no call of exec_sql has ended, which cleans it up.
select jsonb_build_object(
  'database', current_database(),
  'started_at', extract(epoch from pg_postmaster_start_time())::text,
  'application_name', current_setting('application_name'),
  'transaction_timeout', current_setting('transaction_timeout', true), -- from 17 on
  'read_only_by_default', current_setting('default_transaction_read_only')::boolean,
  -- A setting of the server's configuration is known everywhere; pg_settings lists those alone
  -- that a library which is loaded has defined.
  'supautils', jsonb_build_object(
    'is_configured', current_setting('supautils.reserved_roles', true) is not null,
    'is_loaded', exists (select from pg_settings where name = 'supautils.reserved_roles'),
    'hints', coalesce(current_setting('supautils.hint_roles', true), '') <> '',
    'restricts_versions', exists (
      select from pg_settings where name = 'supautils.restrict_extension_versions')),
  -- PostgREST and exec_sql set the others for each request.
  'settings', (
    select coalesce(jsonb_agg(name order by name), '[]')
      from pg_settings
     where source = 'session'
       and setting is distinct from reset_val
       and name !~ '^(transaction_|client_|search_path$|statement_timeout$|role$|session_auth'
           '|standard_conforming_strings$|quote_all_identifiers$)'),
  'advisory_locks', (
    select count(*) from pg_locks where pid = pg_backend_pid() and locktype = 'advisory'),
  'prepared_statements', (select count(*) from pg_prepared_statements where from_sql),
  'cursors', (select count(*) from pg_cursors where is_holdable),
  'channels', (select count(*) from pg_listening_channels())) as result
