-- The log, and what it says of the history, for `doctor`. Sent once the functions that it calls
-- are known to be those that the tool ships.
select jsonb_build_object(
  'log', supamigrate.verify_log(),
  'door_is_as_installed', (
    select door is not distinct from supamigrate.digest_door()
      from supamigrate.installation where id = 1),
  'ledger', supamigrate.describe_ledger(),
  'old_copies', (
    select count(*) from supamigrate.safety_copy
     where copy_name is not null and made_at < clock_timestamp() - interval '30 days'),
  'applied', (
    select coalesce(jsonb_agg(migration_name order by migration_name), '[]')
      from supamigrate.migration_history where applied_checksum is not null),
  'differences', (
    select coalesce(jsonb_agg(jsonb_build_object(
             'name', migration_name,
             'is_applied', known.applied_checksum is not null,
             'is_logged', logged.applied_checksum is not null,
             'same_version', known.applied_checksum is not distinct from logged.applied_checksum)
             order by migration_name), '[]')
      from supamigrate.migration_history known
      full join supamigrate.logged_state() logged using (migration_name)
     where known.applied_checksum is distinct from logged.applied_checksum
        or known.applied_checksum is not null
           and encode(sha256(convert_to(known.rollback_sql, 'UTF8')), 'hex')
               is distinct from logged.rollback_checksum)) as result
