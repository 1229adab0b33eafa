-- Reading. Everything that a plan is made of, in one call and from one snapshot (STABLE: the
-- snapshot of the calling statement), so that the lock's generation and sequence vouch for the
-- history beside them. Tools of all versions begin with this call: its name and its parameter
-- stay as they are.
--
-- call: files, the checksums of the files that say how they are undone. The stored rollback SQL of
-- all other applied migrations comes along, with a look at the whole log, and none where files is
-- left out. schema: whether what was changed beside the tool is wanted, which is the application's
-- schema read once. vouched: the log says the same of a migration as the history. missing_history: what is
-- applied by the log, and of which the history has no row.
create or replace function supamigrate.state(call jsonb) returns jsonb
language sql stable
set search_path = pg_catalog, pg_temp
as $function$
  with logged as materialized (select * from supamigrate.logged_state())
  select jsonb_build_object(
    'schema_version', (select schema_version from supamigrate.installation where id = 1),
    'server_version', current_setting('server_version'),
    'in_recovery', pg_is_in_recovery(),
    'open_doors', (
      select coalesce(jsonb_agg(jsonb_build_object('function', function_name, 'role', role_name)), '[]')
        from supamigrate.open_doors()),
    'breaches', (
      select coalesce(jsonb_agg(breach), '[]') from supamigrate.breaches() breach),
    'lock', (
      select supamigrate.describe_lock(held) from supamigrate.migration_lock held where id = 1),
    'activity', supamigrate.describe_activity(),
    'has_pg_cron', supamigrate.has_pg_cron(),
    'has_tables', supamigrate.has_tables(),
    'ledger', supamigrate.describe_ledger(),
    'schema', case when (call->>'schema')::boolean then supamigrate.schema_changes() end,
    'other_histories', supamigrate.find_histories(),
    'rollbacks', (
      select coalesce(jsonb_object_agg(migration_name, rollback_sql), '{}')
        from supamigrate.migration_history
       where call ? 'files'
         and rollback_sql is not null
         and applied_checksum is distinct from call->'files'->>migration_name),
    'log', case when call ? 'files' then supamigrate.verify_log() end,
    'history', (
      select coalesce(jsonb_agg(jsonb_build_object(
               'name', known.migration_name,
               'batch', known.batch_number,
               'executed_at', known.executed_at,
               'execution_time_ms', known.execution_time_ms,
               'checksum', known.checksum,
               'applied_checksum', known.applied_checksum,
               'status', known.status,
               'statements_checksum', known.statements_checksum,
               'first_applied', logged.first_applied,
               'rollback_checksum', known.rollback_checksum,
               'progress', known.progress,
               'vouched', known.applied_checksum is not distinct from logged.applied_checksum
                 and coalesce(known.progress->'digests', '[]') = coalesce(logged.digests, '[]')
                 and (known.applied_checksum is null
                      or known.rollback_checksum is not distinct from logged.rollback_checksum
                         and known.statements_checksum is not distinct from logged.statements_checksum),
               'error', known.error)), '[]')
        from (select *, encode(sha256(convert_to(rollback_sql, 'UTF8')), 'hex') as rollback_checksum
                from supamigrate.migration_history) known
        left join logged using (migration_name)),
    'missing_history', (
      select coalesce(jsonb_agg(migration_name), '[]')
        from logged
       where applied_checksum is not null
         and migration_name not in (select migration_name from supamigrate.migration_history)))
$function$;

-- The audit log, newest first, but for the fingerprints that runs leave at their end.
create or replace function supamigrate.read_log(most integer) returns jsonb
language sql stable
set search_path = pg_catalog, pg_temp
as $function$
  select coalesce(jsonb_agg(to_jsonb(entry) order by entry.id desc), '[]')
    from (select * from supamigrate.migration_log
           where action <> 'schema' order by id desc limit most) entry
$function$;
