-- The roles of a Supabase project that a server lacks, for a shadow on it. Roles belong to the server
-- and not to a database: what is there is left as it is, its memberships too, and what is made stays
-- for the next shadow. Nobody can log in as one that is made here. Returns the names of the new ones.
do $block$
declare
  wanted record;
  made text[] := '{}';
begin
  -- Two shadows that begin at once would both make them.
  perform pg_advisory_xact_lock(hashtext('supamigrate_shadow'));
  for wanted in
    select *
      from (values
        ('supabase_admin', 'superuser'),
        ('postgres', 'createdb createrole replication bypassrls'),
        ('anon', ''),
        ('authenticated', ''),
        ('service_role', 'bypassrls'),
        ('authenticator', 'noinherit'),
        ('supabase_auth_admin', 'noinherit createrole'),
        ('supabase_storage_admin', 'noinherit createrole'),
        ('supabase_functions_admin', 'noinherit createrole'),
        ('supabase_realtime_admin', 'noinherit'),
        ('supabase_replication_admin', 'replication'),
        ('supabase_etl_admin', 'replication'),
        ('supabase_read_only_user', 'bypassrls'),
        ('dashboard_user', 'createdb createrole replication'),
        ('pgbouncer', ''),
        ('pgsodium_keyiduser', ''),
        ('pgsodium_keyholder', ''),
        ('pgsodium_keymaker', '')
      ) as roles (name, attributes)
     where to_regrole(name) is null
  loop
    execute format('create role %I nologin %s', wanted.name, wanted.attributes);
    made := made || wanted.name;
  end loop;
  for wanted in
    select *
      from (values
        ('anon', 'authenticator'),
        ('authenticated', 'authenticator'),
        ('service_role', 'authenticator'),
        ('anon', 'postgres'),
        ('authenticated', 'postgres'),
        ('service_role', 'postgres'),
        ('supabase_auth_admin', 'postgres'),
        ('supabase_storage_admin', 'postgres'),
        ('supabase_functions_admin', 'postgres'),
        ('supabase_realtime_admin', 'postgres'),
        ('pg_monitor', 'postgres'),
        ('pg_read_all_data', 'postgres'),
        ('pg_signal_backend', 'postgres'),
        ('pg_read_all_data', 'supabase_read_only_user'),
        ('pgsodium_keyholder', 'service_role')
      ) as memberships (role, member)
     -- Of roles that were there before, nothing is given to any that was.
     where memberships.member = any(made)
        or memberships.role = any(made)
           and not (select rolsuper from pg_roles where rolname = memberships.member)
  loop
    execute format('grant %I to %I with admin option', wanted.role, wanted.member);
  end loop;
  perform set_config('supamigrate.roles_made', array_to_string(made, ', '), false);
end
$block$;
