-- Requests are queued as pg_net queues them. Nothing sends them here.

do $$
begin
  -- Somebody may have made it before.
  if to_regnamespace('net') is null then
    create schema net;
  end if;
end
$$;

create domain net.http_method as text
  check (lower(value) in ('get', 'post', 'delete'));

create table net.http_request_queue (
  id bigserial primary key,
  method net.http_method not null,
  url text not null,
  headers jsonb,
  body bytea,
  timeout_milliseconds integer not null
);

create table net._http_response (
  id bigint,
  status_code integer,
  content_type text,
  headers jsonb,
  content text,
  timed_out boolean,
  error_msg text,
  created timestamptz not null default now()
);
create index on net._http_response (created);

create type net.request_status as enum ('PENDING', 'SUCCESS', 'ERROR');
create type net.http_response as (status_code integer, headers jsonb, body text);
create type net.http_response_result as (
  status net.request_status,
  message text,
  response net.http_response
);

create function net.queue_request(
  method text,
  url text,
  params jsonb,
  headers jsonb,
  body jsonb,
  timeout_milliseconds integer
) returns bigint
language sql security definer
set search_path = pg_catalog, pg_temp
as $$
  insert into net.http_request_queue (method, url, headers, body, timeout_milliseconds)
  select
    method,
    concat_ws(
      case when strpos(url, '?') > 0 then '&' else '?' end,
      url,
      (select string_agg(key || '=' || value, '&') from jsonb_each_text(params))
    ),
    headers,
    convert_to(body::text, 'UTF8'),
    timeout_milliseconds
  returning id
$$;

create function net.http_get(
  url text,
  params jsonb default '{}',
  headers jsonb default '{}',
  timeout_milliseconds integer default 5000
) returns bigint
language sql security definer
set search_path = net
as $$
  select net.queue_request('GET', url, params, headers, null, timeout_milliseconds)
$$;

create function net.http_post(
  url text,
  body jsonb default '{}',
  params jsonb default '{}',
  headers jsonb default '{"Content-Type": "application/json"}',
  timeout_milliseconds integer default 5000
) returns bigint
language plpgsql security definer
set search_path = net
as $$
declare
  content_type text;
begin
  select value into content_type
    from jsonb_each_text(coalesce(headers, '{}'))
   where lower(key) = 'content-type'
   limit 1;
  if content_type is null then
    headers := coalesce(headers, '{}') || '{"Content-Type": "application/json"}';
  elsif content_type <> 'application/json' then
    raise exception 'Content-Type header must be "application/json"';
  end if;
  return net.queue_request('POST', url, params, headers, body, timeout_milliseconds);
end
$$;

create function net.http_delete(
  url text,
  params jsonb default '{}',
  headers jsonb default '{}',
  timeout_milliseconds integer default 5000,
  body jsonb default null
) returns bigint
language sql security definer
set search_path = net
as $$
  select net.queue_request('DELETE', url, params, headers, body, timeout_milliseconds)
$$;

create function net._http_collect_response(request_id bigint, async boolean default true)
returns net.http_response_result
language sql stable security definer
set search_path = net
as $$
  select coalesce(
    (
      select row(
        'SUCCESS'::net.request_status,
        'ok',
        row(r.status_code, r.headers, r.content)::net.http_response
      )::net.http_response_result
        from net._http_response r
       where r.id = request_id
    ),
    row(
      'ERROR'::net.request_status, 'request matching request_id not found', null
    )::net.http_response_result
  )
$$;

create function net.http_collect_response(request_id bigint, async boolean default true)
returns net.http_response_result
language sql stable
as $$
  select net._http_collect_response(request_id, async)
$$;

create function net.worker_restart() returns boolean language sql as 'select true';
create function net.wake() returns void language sql as '';
create function net.wait_until_running() returns void language sql as '';
create function net.check_worker_is_up() returns void language sql as '';

grant usage on schema net
  to postgres, anon, authenticated, service_role, supabase_functions_admin;
grant all on all tables in schema net to public;
grant all on all sequences in schema net to public;
revoke execute on function net.http_get, net.http_post from public;
grant execute on all functions in schema net
  to postgres, anon, authenticated, service_role, supabase_functions_admin;
