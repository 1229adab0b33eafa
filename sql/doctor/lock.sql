-- The lock and the installation, for `doctor`. Sent once the tables are known to be there, with
-- all their columns.
select jsonb_build_object(
  'installations', (select count(*) from supamigrate.installation),
  'locks', (
    select coalesce(jsonb_agg(jsonb_build_object(
             'id', id,
             'is_locked', is_locked,
             'holder', locked_by,
             'locked_ms', (extract(epoch from clock_timestamp() - locked_at) * 1000)::bigint,
             'expired_ms', (extract(epoch from clock_timestamp() - expires_at) * 1000)::bigint,
             'lease_ms', lease_ms)), '[]')
      from supamigrate.migration_lock)) as result
