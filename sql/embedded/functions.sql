-- Database webhooks: the function that their triggers call. What it would send is kept.

create schema if not exists supabase_functions;
grant usage on schema supabase_functions to anon, authenticated, service_role;
-- On projects postgres is in the role of its owner: what webhooks have not made, migrations make.
grant all on schema supabase_functions to supabase_functions_admin, postgres;
grant supabase_functions_admin to postgres;

create table if not exists supabase_functions.migrations (
  version text not null primary key,
  inserted_at timestamptz not null default now()
);

create table if not exists supabase_functions.hooks (
  id bigserial primary key,
  hook_table_id integer not null,
  hook_name text not null,
  created_at timestamptz not null default now(),
  request_id bigint
);
create index if not exists supabase_functions_hooks_request_id_idx
  on supabase_functions.hooks (request_id);
create index if not exists supabase_functions_hooks_h_table_id_h_name_idx
  on supabase_functions.hooks (hook_table_id, hook_name);

create or replace function supabase_functions.http_request() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  url text := tg_argv[0];
  method text := upper(tg_argv[1]);
  headers jsonb := coalesce(nullif(tg_argv[2], 'null'), '{"Content-Type": "application/json"}');
  params jsonb := coalesce(nullif(tg_argv[3], 'null'), '{}');
  timeout_ms integer := coalesce(nullif(tg_argv[4], 'null'), '1000');
  request_id bigint;
begin
  if url is null or url = 'null' then
    raise exception 'url argument is missing';
  end if;
  if method is null or method not in ('GET', 'POST') then
    raise exception 'method argument % is invalid', coalesce(method, 'null');
  end if;
  -- Without pg_net there is no queue: that the hook ran is kept all the same.
  if to_regclass('net.http_request_queue') is not null then
    if method = 'GET' then
      request_id := net.http_get(url, params, headers, timeout_ms);
    else
      request_id := net.http_post(
        url,
        jsonb_build_object(
          'type', tg_op,
          'table', tg_table_name,
          'schema', tg_table_schema,
          'record', to_jsonb(new),
          'old_record', to_jsonb(old)
        ),
        params,
        headers,
        timeout_ms
      );
    end if;
  end if;
  insert into supabase_functions.hooks (hook_table_id, hook_name, request_id)
  values (tg_relid, tg_name, request_id);
  return coalesce(new, old);
end
$$;

grant all on all tables in schema supabase_functions to postgres, service_role;
grant all on all sequences in schema supabase_functions to postgres, service_role;
grant execute on all functions in schema supabase_functions
  to postgres, anon, authenticated, service_role;
