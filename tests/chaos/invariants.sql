-- What has to hold after every round. Each row that comes back is a violation.
--
-- $1: clients, what each of them said: holder, certain (whether it claims to know), applied and
--     reverted (names), failed (it reported a failed migration);
--     destroying, the migrations that delete rows, twenty each;
--     since, the last entry of the log from before the round.

with log as (
  select * from supamigrate.migration_log where id > ($1::jsonb->>'since')::bigint
),

emptied as (
  select coalesce(max(id), 0) as log_id, coalesce(max(logged_at), '-infinity') as at
    from log
   where action = 'drop application schemas' and result = 'ok'
),

-- What the log says was done to each migration since the schemas were last emptied.
logged as (
  select migration_name as name,
         count(*) filter (where action = 'apply') as ups,
         count(*) filter (where action = 'rollback') as downs
    from log, emptied
   where result = 'ok' and id > log_id and action in ('apply', 'rollback')
   group by migration_name
),

-- Of several steps, and not done as a whole, or undone from there.
in_part as (
  select migration_name as name from supamigrate.migration_history where progress is not null
),

-- What the migrations themselves have written.
seen as (
  select migration as name,
         count(*) filter (where direction = 'up' and part = 'first') as ups,
         count(*) filter (where direction = 'up' and part = 'last') as ups_ended,
         count(*) filter (where direction = 'down' and part = 'first') as downs,
         count(*) filter (where direction = 'down' and part = 'last') as downs_ended
    from _chaos.witness, emptied
   where seen_at > emptied.at
   group by migration
),

tables as (
  select replace(relname, 'chaos_', '') || '.sql' as name
    from pg_class
   where relnamespace = 'public'::regnamespace and relkind = 'r' and relname like 'chaos\_%'
),

-- How the history has to look, by the last thing that the log says of each migration.
recorded as (
  select distinct on (migration_name)
         migration_name as name, action in ('apply', 'baseline', 'mark applied') as applied
    from log, emptied
   where result = 'ok' and id > log_id
     and action in ('apply', 'rollback', 'baseline', 'mark applied', 'mark pending')
   order by migration_name, id desc
),

changes as (
  select *, lag(new_generation) over (order by id) as before_generation,
            lag(new_sequence) over (order by id) as before_sequence
    from _chaos.lock_change
),

said as (
  select client->>'holder' as holder, (client->>'certain')::boolean as certain, name, action
    from jsonb_array_elements($1::jsonb->'clients') client,
         lateral (
           select value as name, 'apply' as action
             from jsonb_array_elements_text(client->'applied')
           union all
           select value, 'rollback' from jsonb_array_elements_text(client->'reverted')
         ) claims
),

done as (
  select actor as holder, migration_name as name, action
    from log
   where result = 'ok' and action in ('apply', 'rollback')
)

select 'exactly once' as invariant,
       format('%s was applied %s times and undone %s times', name, ups, downs) as violation
  from seen
 where ups - downs not in (0, 1)
   -- Where somebody says what is on record, what is there may be done again.
   and not exists (select from log
                    where migration_name = name
                      and action in ('baseline', 'mark applied', 'mark pending'))

union all
select 'history equals the catalogue',
       format('%s: the log knows %s up and %s down, the witness %s and %s',
              name, coalesce(l.ups, 0), coalesce(l.downs, 0), coalesce(s.ups_ended, 0),
              coalesce(s.downs_ended, 0))
  from logged l full join seen s using (name)
 where (coalesce(l.ups, 0), coalesce(l.downs, 0))
       <> (coalesce(s.ups_ended, 0), coalesce(s.downs_ended, 0))
union all
select 'history equals the catalogue',
       format('%s: the history says %s, the log %s', name, h.applied_checksum is not null, r.applied)
  from recorded r full join
       (select migration_name as name, applied_checksum from supamigrate.migration_history) h
       using (name)
 where (h.applied_checksum is not null) <> coalesce(r.applied, false)
union all
select 'history equals the catalogue',
       format('%s: %s', name, case when t.name is null then 'its table is missing' else 'its table is there' end)
  from (select name from seen where ups > downs) s full join tables t using (name)
 where (s.name is null or t.name is null)
   and name not in (select name from in_part)

union all
select 'no two holders overlap',
       format('generation %s was taken over %s before it expired', old_generation, old_expires_at - seen_at)
  from changes
 where was_locked and is_locked and old_token <> new_token and old_expires_at > seen_at

union all
select 'nothing commits with an old generation or sequence',
       format('the lock went from %s/%s to %s/%s', old_generation, old_sequence, new_generation, new_sequence)
  from changes
 where (new_generation, new_sequence) not in
       ((old_generation + 1, 0), (old_generation, old_sequence + 1))
    or (before_generation, before_sequence) is distinct from (old_generation, old_sequence)
       and before_generation is not null
union all
select 'nothing commits with an old generation or sequence',
       format('operation %s of %s/%s was done while the lock was at %s/%s%s', operation, generation,
              sequence, lock_generation, lock_sequence, case when not is_locked then ', free' end)
  from _chaos.operation_note
 where not is_locked or (generation, sequence) <> (lock_generation, lock_sequence)
union all
select 'nothing commits with an old generation or sequence',
       format('operation %s was done at step %s/%s by a request for %s', operation, generation,
              sequence, sent_for)
  from _chaos.operation_note
 where sent_for is distinct from format('%s/%s', generation, sequence)
union all
select 'nothing commits with an old generation or sequence',
       format('step %s/%s was taken %s times', generation, sequence, count(*))
  from supamigrate.operation
 group by generation, sequence having count(*) > 1

union all
select 'nothing half-applied', format('%s: %s up and %s ended, %s down and %s ended',
              name, ups, ups_ended, downs, downs_ended)
  from seen
 where (ups <> ups_ended or downs <> downs_ended)
   -- What has several steps may stand between two of them, and be undone from there.
   and name not in (select name from in_part)
   and not exists (select from log
                    where migration_name = seen.name and action = 'apply step' and ups > ups_ended)
union all
select 'nothing half-applied', format('an index of %s is left invalid', indrelid::regclass)
  from pg_index
 where not indisvalid
   and replace(indrelid::regclass::text, 'chaos_', '') || '.sql' not in (select name from in_part)
union all
select 'nothing half-applied', format('%s has %s indexes', indrelid::regclass, count(*))
  from pg_index
 where indrelid::regclass::text like 'chaos\_%' and indisvalid
 group by indrelid having count(*) > 2

union all
select 'nothing destroyed is lost',
       format('%s of %s rows that %s deletes are there, %s of them as they were', rows, wanted, name, right_ones)
  from (select d.name, 20 * (h.applied_checksum is null)::integer as wanted,
               count(k) as rows,
               count(distinct k.number) filter (where k.inscribed = md5(concat(name, k.number))) as right_ones
          from jsonb_array_elements_text($1::jsonb->'destroying') d (name)
          left join supamigrate.migration_history h on h.migration_name = d.name
          left join _chaos.heirloom k on k.migration = d.name
         group by d.name, h.applied_checksum) kept
 where rows <> wanted or right_ones <> wanted

union all
select 'the exit code tells the truth',
       format('%s claims %s %s of %s, the log says %s', holder, coalesce(c.times, 0), action, name,
              coalesce(d.times, 0))
  from (select holder, name, action, bool_and(certain) as certain, count(*) as times
          from said group by holder, name, action) c
  full join
       (select holder, name, action, count(*) as times from done
         where holder in (select client->>'holder' from jsonb_array_elements($1::jsonb->'clients') client
                           where (client->>'certain')::boolean is not null)
         group by holder, name, action) d
       using (holder, name, action)
 where coalesce(c.times, 0) > coalesce(d.times, 0)
    or (coalesce(c.times, 0) < d.times
        and (select (client->>'certain')::boolean from jsonb_array_elements($1::jsonb->'clients') client
              where client->>'holder' = holder))
union all
select 'the exit code tells the truth',
       format('%s reports a failed migration that is not on record', client->>'holder')
  from jsonb_array_elements($1::jsonb->'clients') client
 where (client->>'failed')::boolean
   and not exists (select from log
                    where result = 'failed' and actor = client->>'holder')

union all
select 'the API''s pool is clean', format('%s of session %s is left', locktype, l.pid)
  from pg_locks l join pg_stat_activity a on a.pid = l.pid
 where l.locktype = 'advisory' and a.usename = 'authenticator' and a.state = 'idle'
union all
select 'the API''s pool is clean', format('temporary table %s is left', relname)
  from pg_class where relpersistence = 't' and relkind = 'r'

union all
select 'never open', format('%s may execute %s', role_name, p.oid::regprocedure)
  from pg_proc p, unnest(array['anon', 'authenticated']) role_name
 where p.proname = 'exec_sql' and has_function_privilege(role_name, p.oid, 'execute')
union all
select 'never open', format('%s may use the schema supamigrate', role_name)
  from unnest(array['anon', 'authenticated', 'service_role']) role_name
 where has_schema_privilege(role_name, 'supamigrate', 'usage')
