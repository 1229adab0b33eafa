-- Foreign data wrappers, servers and tables can be made. Reading a table says that it cannot be.

do $$
declare
  wrapper text;
begin
  foreach wrapper in array array[
    'airtable', 'auth0', 'big_query', 'click_house', 'cognito', 'duckdb', 'firebase', 'helloworld',
    'iceberg', 'logflare', 'mssql', 'redis', 's3', 's3vectors', 'stripe', 'wasm'
  ] loop
    -- The input function of the type: it refuses whatever it is given, and reads none of it.
    execute format(
      'create function %I() returns fdw_handler language internal as ''fdw_handler_in''',
      wrapper || '_fdw_handler'
    );
    execute format(
      'create function %I(options text[], catalog oid) returns void '
        'language plpgsql as ''begin end''',
      wrapper || '_fdw_validator'
    );
  end loop;
end
$$;

create table wrappers_fdw_stats (
  fdw_name text primary key,
  create_times bigint,
  rows_in bigint,
  rows_out bigint,
  bytes_in bigint,
  bytes_out bigint,
  metadata jsonb,
  created_at timestamptz not null default timezone('utc', now()),
  updated_at timestamptz not null default timezone('utc', now())
);
