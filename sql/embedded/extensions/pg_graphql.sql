-- The functions, so that they can be granted and called. No query is answered.

do $$
begin
  if to_regnamespace('graphql') is null then
    create schema graphql;
  end if;
end
$$;

create sequence graphql.seq_schema_version;

create function graphql.get_schema_version() returns integer
language sql security definer
set search_path = pg_catalog, pg_temp
as $$
  select coalesce(pg_sequence_last_value('graphql.seq_schema_version'), 1)::integer
$$;

create function graphql.increment_schema_version() returns event_trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  perform nextval('graphql.seq_schema_version');
end
$$;

create function graphql.exception(message text) returns text
language plpgsql
as $$
begin
  raise exception using errcode = '22000', message = message;
end
$$;

create function graphql.comment_directive(comment_ text) returns jsonb
language sql immutable
as $$
  select coalesce(substring(comment_ from '@graphql\((.*)\)')::jsonb, '{}')
$$;

create function graphql._internal_resolve(
  query text,
  variables jsonb default '{}',
  "operationName" text default null,
  extensions jsonb default null
) returns jsonb
language sql
as $$
  select '{"errors": [{"message": "The embedded database answers no GraphQL."}]}'::jsonb
$$;

create function graphql.resolve(
  query text,
  variables jsonb default '{}',
  "operationName" text default null,
  extensions jsonb default null
) returns jsonb
language sql
as $$
  select graphql._internal_resolve(query, variables, "operationName", extensions)
$$;

grant usage on schema graphql to postgres with grant option;
grant usage on schema graphql to anon, authenticated, service_role;
grant all on all functions in schema graphql to postgres with grant option;
grant all on all functions in schema graphql to anon, authenticated, service_role;
