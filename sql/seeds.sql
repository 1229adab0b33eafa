-- Seeds: data for a database that was just built. Each is run once, as a migration is, and known by the
-- hash of its file; here, and in the Supabase CLI's supabase_migrations.seed_files.

-- What was run, {path: hash}. What the CLI has run counts as well.
create or replace function supamigrate.read_seeds() returns jsonb
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $function$
declare
  theirs constant oid := (
    select c.oid
      from pg_class c
      join pg_namespace n on n.oid = c.relnamespace
     where n.nspname = 'supabase_migrations' and c.relname = 'seed_files'
       and has_schema_privilege(n.oid, 'usage') and has_table_privilege(c.oid, 'select')
       and not row_security_active(c.oid));
  seeds jsonb := '{}';
begin
  if theirs is not null then
    select coalesce(jsonb_object_agg(path, hash), '{}') into seeds from supabase_migrations.seed_files;
  end if;
  return seeds || (select coalesce(jsonb_object_agg(path, hash), '{}') from supamigrate.seed_file);
end
$function$;

-- call: migration with name (the path), checksum (of the file), statements, and in_ledger: whether the
-- CLI is to know of it. Returns {results: […]} as apply does.
create or replace function supamigrate.seed(call jsonb) returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
declare
  seed constant jsonb := call->'migration';
  result jsonb;
begin
  perform supamigrate.leave_clean();
  perform supamigrate.set_limits(seed);
  result := supamigrate.run_migration(call, seed, 'seed', 'seed ' || (seed->>'name'));
  if not (result->>'success')::boolean and not supamigrate.is_tried_again(call, seed, result) then
    perform supamigrate.write_log(call, 'seed', 'failed', seed->>'name', null, seed->>'checksum',
      (result->>'execution_time_ms')::integer, result->'error');
  end if;
  return jsonb_build_object('results', jsonb_build_array(result));
end
$function$;

create or replace function supamigrate.record_seeded(
  call jsonb, seed jsonb, duration integer
) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
declare
  theirs oid;
begin
  insert into supamigrate.seed_file (path, hash)
  values (seed->>'name', seed->>'checksum')
  on conflict (path) do update set hash = excluded.hash, seeded_at = clock_timestamp();
  if (seed->>'in_ledger')::boolean then
    select c.oid into theirs
      from pg_class c
      join pg_namespace n on n.oid = c.relnamespace
     where n.nspname = 'supabase_migrations' and c.relname = 'seed_files';
    if theirs is null then
      create table supabase_migrations.seed_files (path text not null primary key, hash text not null);
    else
      perform supamigrate.refuse_stranger(theirs);
    end if;
    insert into supabase_migrations.seed_files (path, hash)
    values (seed->>'name', seed->>'checksum')
    on conflict (path) do update set hash = excluded.hash;
  end if;
  perform supamigrate.write_log(call, 'seed', 'ok', seed->>'name', null, seed->>'checksum', duration);
end
$function$;

-- Where nothing is applied any more, the data is gone with its tables.
create or replace function supamigrate.forget_seeds() returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
declare
  paths text[];
begin
  with forgotten as (delete from supamigrate.seed_file where true returning path)
  select array_agg(path) into paths from forgotten;
  if paths is not null and exists (
    select from pg_class c
      join pg_namespace n on n.oid = c.relnamespace
     where n.nspname = 'supabase_migrations' and c.relname = 'seed_files'
       and has_schema_privilege(n.oid, 'usage') and has_table_privilege(c.oid, 'select')
       and has_table_privilege(c.oid, 'delete')
       and supamigrate.find_stranger(c.oid) is null)
  then
    delete from supabase_migrations.seed_files where path = any (paths);
  end if;
end
$function$;
