-- How a run finds out whether the API has taken up the schema that it leaves. PostgREST reads tables and
-- views first of all, and answers from what it has read, so an empty view of a name that was never there
-- before is one that only a reading from now on can know of. It is there for as long as the run holds the
-- lock; what a dead run leaves, whoever takes the lock next takes away.

-- call: schema, which the API shows. Returns the view's name, null where there can be none, and whether
-- a connection of PostgREST listens for what it is told of changes: null where nobody can say.
create or replace function supamigrate.announce(call jsonb) returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
declare
  name constant text := 'supamigrate_schema_' || (call->>'generation')::bigint;
  view constant text := format('%I.%I', call->>'schema', name);
begin
  begin
    execute format('create view %s as select 1 as supamigrate where false', view);
    execute format(
      'comment on view %s is ''supamigrate: by this a run sees that the API knows the new schema''', view);
    execute format('revoke all on %s from public, anon, authenticated, service_role', view);
  exception when others then -- the schema is another's, or an event trigger objects
    return jsonb_build_object('view', null, 'problem', sqlerrm);
  end;
  notify pgrst, 'reload schema';
  return jsonb_build_object('view', name, 'is_heard', (
    select case when bool_or(query ~* '^\s*listen\M') then true
                when bool_and(query <> '' and query <> '<insufficient privilege>') then false
           end
      from pg_stat_activity
     where datname = current_database() and usename = 'authenticator'));
end
$function$;

-- Somebody may be reading the view, as pg_dump does of all there is: then it is left for the next run.
create or replace function supamigrate.retract_announcement() returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
declare
  view text;
begin
  for view in
    select format('%I.%I', n.nspname, c.relname)
      from pg_class c
      join pg_namespace n on n.oid = c.relnamespace
     where c.relname ~ '^supamigrate_schema_\d+$'
       and c.relkind = 'v'
       and obj_description(c.oid, 'pg_class') like 'supamigrate:%'
  loop
    begin
      perform set_config('lock_timeout', '1s', true);
      execute format('drop view if exists %s', view);
    exception when others then
      null;
    end;
  end loop;
end
$function$;
