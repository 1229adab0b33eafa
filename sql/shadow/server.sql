-- What a server is that shadows are to be made on, and which of them runs that were killed have left:
-- those of an hour ago and more that nobody is connected to.
select session_user::text as "user", rolsuper as is_superuser,
       current_setting('server_version_num')::integer as version,
       current_setting('server_version') as shown_version,
       pg_is_in_recovery() as in_recovery,
       exists (select from pg_available_extensions where name = 'supabase_vault') as has_vault,
       (select coalesce(jsonb_agg(datname), '[]')
          from pg_database
         where case when datname ~ '^supamigrate_shadow_[0-9]{10}_[0-9a-f]{12}$'
                    then split_part(datname, '_', 3)::bigint < extract(epoch from now()) - 3600
               end
           and datname not in (select datname from pg_stat_activity where datname is not null)) as left_over
  from pg_roles
 where rolname = session_user
