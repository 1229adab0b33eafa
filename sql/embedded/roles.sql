-- The roles of a Supabase project. initdb made supabase_admin, the one superuser;
-- `postgres`, who owns what migrations create, is none, just as on the hosted platform:
-- what it may not do there fails here too.
--
-- This and what follows can be run again: a database that an earlier version made gets what it lacks.

do $$
declare
  wanted record;
begin
  for wanted in
    select *
      from (values
        ('anon', 'nologin'),
        ('authenticated', 'nologin'),
        ('service_role', 'nologin bypassrls'),
        -- The role of the REST API's connection. It has no rights but to become one of the three.
        ('authenticator', 'login noinherit'),
        ('postgres', 'login createdb createrole replication bypassrls'),
        ('supabase_auth_admin', 'login noinherit createrole'),
        ('supabase_storage_admin', 'login noinherit createrole'),
        ('supabase_functions_admin', 'login noinherit createrole'),
        ('supabase_realtime_admin', 'nologin noinherit'),
        ('supabase_replication_admin', 'login replication'),
        ('supabase_etl_admin', 'login replication'),
        ('supabase_read_only_user', 'login bypassrls'),
        ('dashboard_user', 'nologin createdb createrole replication'),
        ('pgbouncer', 'login'),
        ('pgsodium_keyiduser', 'nologin'),
        ('pgsodium_keyholder', 'nologin'),
        ('pgsodium_keymaker', 'nologin')
      ) as roles (name, attributes)
     where to_regrole(name) is null
  loop
    execute format('create role %I %s', wanted.name, wanted.attributes);
  end loop;
end
$$;

grant anon, authenticated, service_role to authenticator;
grant anon, authenticated, service_role to postgres with admin option;
grant pg_monitor, pg_read_all_data, pg_signal_backend to postgres;
grant pg_read_all_data to supabase_read_only_user;
grant pgsodium_keyholder to service_role;

-- `alter role authenticator set pgrst.db_schemas = …` is how a schema is shown to the API.
grant authenticator to postgres with admin option, inherit false, set false;

-- What supautils lets postgres set, for itself and for the API's roles.
do $$
declare
  setting text;
begin
  foreach setting in array array[
    'session_replication_role', 'log_min_messages', 'log_lock_waits', 'track_io_timing',
    'auto_explain.log_min_duration', 'auto_explain.log_nested_statements',
    'pg_net.batch_size', 'pg_net.ttl',
    'pgaudit.log', 'pgaudit.log_catalog', 'pgaudit.log_client', 'pgaudit.log_level',
    'pgaudit.log_parameter', 'pgaudit.log_relation', 'pgaudit.log_rows', 'pgaudit.log_statement',
    'pgaudit.log_statement_once', 'pgaudit.role',
    'pgrst.db_aggregates_enabled', 'pgrst.db_anon_role', 'pgrst.db_extra_search_path',
    'pgrst.db_hoisted_tx_settings', 'pgrst.db_max_rows', 'pgrst.db_plan_enabled',
    'pgrst.db_pre_request', 'pgrst.db_root_spec', 'pgrst.db_schema', 'pgrst.db_schemas',
    'pgrst.db_timezone_enabled', 'pgrst.db_tx_end', 'pgrst.jwt_aud', 'pgrst.jwt_role_claim_key',
    'pgrst.jwt_secret', 'pgrst.log_level', 'pgrst.openapi_mode',
    'pgrst.openapi_security_active', 'pgrst.openapi_server_proxy_uri',
    'pgrst.server_cors_allowed_origins', 'pgrst.server_timing_enabled',
    'plan_filter.limit_select_only', 'plan_filter.statement_cost_limit', 'safeupdate.enabled'
  ] loop
    execute format('grant set on parameter %I to postgres', setting);
  end loop;
end
$$;

-- The owner of the database owns schema public, through pg_database_owner.
alter database postgres owner to postgres;
