-- `fresh --drop-schema`: empties what belongs to the application and leaves what belongs to
-- Supabase. supamigrate.survey_drop says what it would come to, and is called before anything is
-- asked; drop_application_schemas is called by supamigrate.perform alone. What belongs to whom is in
-- application_schemas.sql; created, as both are called with, is explained in outside_objects.sql.

-- What a drop would come to. kept: what stays, of what would be the application's by its place.
-- lost: what would go with a schema and is no migration's. outside: what there is of created,
-- by its number from 1.
create or replace function supamigrate.survey_drop(call jsonb) returns jsonb
language sql stable
set search_path = pg_catalog, pg_temp
as $function$
  with staying as (
    select *, concat(object_type, ' ', identity) as description
      from supamigrate.list_droppable(call->'created')
     where reason is not null
  )
  select jsonb_build_object(
    'kept', (
      select coalesce(jsonb_agg(jsonb_build_object('description', description, 'reason', reason)
                                order by description), '[]')
        from staying
       where schema_name = 'public' or class_id = 'pg_namespace'::regclass),
    'lost', (
      select coalesce(jsonb_agg(jsonb_build_object('description', description, 'reason', reason)
                                order by description), '[]')
        from staying
       where schema_name <> 'public' and class_id <> 'pg_namespace'::regclass),
    'outside', (
      select coalesce(jsonb_agg(jsonb_build_object(
               'number', number, 'description', description, 'obstacle', obstacle)
               order by number), '[]')
        from supamigrate.find_outside(call->'created')))
$function$;

-- Drops one thing, or several of a kind; says which where that fails.
create or replace function supamigrate.execute_drop(object_type text, identities text, behavior text)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
declare
  detail text;
  hint text;
begin
  execute format('drop %s %s %s',
    case object_type
      when 'statistics object' then 'statistics'
      when 'foreign-data wrapper' then 'foreign data wrapper'
      when 'function' then 'routine'
      when 'procedure' then 'routine'
      when 'aggregate' then 'routine'
      else object_type
    end, identities, behavior);
exception when insufficient_privilege or dependent_objects_still_exist then
  get stacked diagnostics detail = pg_exception_detail, hint = pg_exception_hint;
  raise exception 'Cannot drop % %: %', object_type, identities, sqlerrm
    using errcode = sqlstate, detail = detail,
          hint = concat('Nothing was dropped. Drop it in the SQL editor, then run this again.',
                        ' ' || nullif(hint, ''));
end
$function$;

-- Drops what list_droppable says, a hundred a command: PostgreSQL looks through all that a command
-- drops for each of it, and what there is would have to be looked up anew for each command.
create or replace function supamigrate.drop_all(created jsonb) returns text[]
language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
declare
  target record;
  identities text;
  dropped text[] := '{}';
begin
  -- Policies on the platform's tables are the application's; they would stand in the way of
  -- the migrations that create them.
  for target in
    select format('%I on %I.%I', p.polname, n.nspname, c.relname) as identity
      from pg_policy p
      join pg_class c on c.oid = p.polrelid
      join pg_namespace n on n.oid = c.relnamespace
     where n.nspname in ('auth', 'storage', 'realtime')
     order by n.nspname, c.relname, p.polname
  loop
    perform supamigrate.execute_drop('policy', target.identity, '');
    dropped := dropped || ('policy ' || target.identity);
  end loop;

  -- So are privileges on extensions' tables. Supabase takes its own there back and grants them anew
  -- each time that CREATE EXTENSION IF NOT EXISTS is run, and cannot where they were passed on.
  for target in
    select distinct c.oid::regclass as relation,
           case grantee when 0 then 'public' else quote_ident(pg_get_userbyid(grantee)) end as grantee
      from pg_depend d
      join pg_class c on c.oid = d.objid
     cross join lateral aclexplode(c.relacl) acl
     where d.classid = 'pg_class'::regclass
       and d.deptype = 'e'
       and acl.grantor <> c.relowner
       and acl.grantor = (select oid from pg_roles where rolname = current_user)
     order by 1, 2
  loop
    execute format('revoke all on %s from %s', target.relation, target.grantee);
    dropped := dropped || format('privileges of %s on %s', target.grantee, target.relation);
  end loop;

  for target in
    select class_id, object_type, array_agg(object_id order by object_id) as objects,
           array_agg(concat(object_type, ' ', identity) order by object_id)
             filter (where schema_name = 'public') as described
      from (select *, row_number() over (partition by class_id, object_type order by object_id) as place
              from supamigrate.list_droppable(created)
             where reason is null and class_id <> 'pg_namespace'::regclass) listed
     -- Operator classes and families are dropped one by one.
     group by class_id, object_type, place / case when object_type like 'operator %' then 1 else 100 end
     order by class_id <> 'pg_class'::regclass, class_id, min(object_id)
  loop
    -- CASCADE may have taken some along.
    select string_agg(
             case o.type
               -- Two procedures may differ in what they give back alone.
               when 'procedure' then format('%I.%I(%s)', o.schema, p.proname,
                                            pg_get_function_identity_arguments(p.oid))
               else o.identity
             end, ', ')
      into identities
      from unnest(target.objects) object_id
     cross join lateral pg_identify_object(target.class_id, object_id, 0) o
      left join pg_proc p on target.class_id = 'pg_proc'::regclass and p.oid = object_id
     where o.identity is not null;
    if identities is not null then
      perform supamigrate.execute_drop(target.object_type, identities, 'cascade');
    end if;
    dropped := dropped || target.described;
  end loop;

  for target in
    select nspname from pg_namespace
     where supamigrate.is_application_schema(nspname)
     order by nspname
  loop
    perform supamigrate.execute_drop('schema', quote_ident(target.nspname), 'cascade');
    dropped := dropped || format('schema %I', target.nspname);
  end loop;
  return dropped;
end
$function$;

-- call: created, and remove: the descriptions of those that the caller was told would be removed.
create or replace function supamigrate.drop_application_schemas(call jsonb) returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
declare
  created constant jsonb := coalesce(call->'created', '[]');
  survey constant jsonb := supamigrate.survey_drop(call);
  outside jsonb;
  kept jsonb;
  target record;
  lost text;
  dropped text[] := '{}';
  missing_before constant text := supamigrate.missing_way_in();
  others jsonb;
begin
  perform supamigrate.leave_clean();
  perform supamigrate.set_defaults();

  if jsonb_array_length(survey->'lost') > 0
     or jsonb_path_exists(survey, '$.outside[*].obstacle ? (@ != null)')
     or jsonb_path_query_array(survey, '$.outside[*].description') <> coalesce(call->'remove', '[]') then
    raise exception 'What would be in the way of the migrations has changed since it was looked at'
      using errcode = 'object_not_in_prerequisite_state',
            hint = 'Nothing was dropped. Run the command again.';
  end if;

  select coalesce(jsonb_agg(to_jsonb(item)), '[]')
    into outside
    from supamigrate.find_outside(created) item;
  select coalesce(jsonb_agg(to_jsonb(item)), '[]')
    into kept
    from (select class_id, object_id, concat(object_type, ' ', identity) as description
            from supamigrate.list_droppable(created)
           where reason is not null
          union all
          select 'pg_event_trigger'::regclass, oid, format('event trigger %I', evtname)
            from pg_event_trigger
           where not exists (
             select
               from jsonb_to_recordset(outside) as item (kind text, object_id oid)
              where item.kind = 'event trigger' and item.object_id = oid)) item;

  select coalesce(jsonb_agg(to_jsonb(item)), '[]')
    into others
    from supamigrate.list_of_others() item;

  begin
    -- Event triggers first, so that they do not fire for the others; roles last, for they own some.
    for target in
      select item.*
        from (values
               (1, 'event trigger'), (2, null),
               (3, 'trigger'), (3, 'policy'), (3, 'relation'), (3, 'type'), (3, 'function'),
               (4, 'publication'), (5, 'user mapping'), (6, 'server'), (7, 'foreign data wrapper'),
               (8, 'bucket'), (8, 'cron job'), (8, 'vault secret'), (9, 'extension'), (10, 'schema'),
               (11, 'role')) ranks (rank, kind)
        left join jsonb_to_recordset(outside) as item (
               number bigint, kind text, name text, relation text, class_id oid, object_id oid,
               description text)
          on item.kind = ranks.kind
       where item.kind is not null or ranks.kind is null
       order by rank, item.number desc
    loop
      if target.kind is null then
        dropped := dropped || supamigrate.drop_all(created);
      else
        perform supamigrate.remove_outside(
          target.kind, target.name, target.relation, target.class_id, target.object_id);
        dropped := dropped || target.description;
      end if;
    end loop;
  exception when out_of_memory then
    raise exception 'Dropping everything in one transaction takes more locks than this server has room for'
      using errcode = 'program_limit_exceeded',
            hint = 'Nothing was dropped. Raise max_locks_per_transaction '
              || '(supabase postgres-config update --config max_locks_per_transaction=1024), or drop '
              || 'the largest schemas yourself in the SQL editor, then run this again.';
  end;

  -- CASCADE asks nobody.
  select string_agg(description, ', ')
    into lost
    from (select item.description
            from jsonb_to_recordset(kept) as item (class_id oid, object_id oid, description text)
           cross join lateral pg_identify_object(class_id, object_id, 0) o
           where o.identity is null
          union all
          select item.description
            from jsonb_to_recordset(others) as item (
                   class_id oid, object_id oid, sub_id integer, description text)
           where not exists (
                   select
                     from supamigrate.list_of_others() now
                    where now.class_id = item.class_id
                      and now.object_id = item.object_id
                      and now.sub_id = item.sub_id)
             and not exists (
                   select
                     from jsonb_to_recordset(outside) as gone (class_id oid, object_id oid)
                    where gone.class_id = item.class_id and gone.object_id = item.object_id)) lost_items;
  if lost is not null then
    raise exception 'What is to stay depends on what would be dropped: %', lost
      using errcode = 'dependent_objects_still_exist',
            hint = 'Nothing was dropped. Drop that yourself in the SQL editor, or untie it, then run '
              || 'this again.';
  end if;
  perform supamigrate.guard_door(missing_before);

  perform supamigrate.abandon_job(progress) from supamigrate.migration_history;
  update supamigrate.migration_history
     set status = 'rolled_back', applied_checksum = null, progress = null,
         error_message = null, error = null
   where applied_checksum is not null or status = 'failed';
  perform supamigrate.write_log(call, 'drop application schemas', 'ok',
    details => jsonb_build_object('dropped', to_jsonb(dropped)));
  perform supamigrate.write_ledger(call);
  perform supamigrate.forget_seeds();
  update supamigrate.safety_copy set is_open = false where is_open;
  notify pgrst, 'reload schema';
  return jsonb_build_object('dropped', to_jsonb(dropped));
end
$function$;
