-- The types and functions, so that what calls them can be made. A call says that nothing is sent.

create domain http_method as text;
create type http_header as (field varchar, value varchar);
create type http_request as (
  method http_method,
  uri varchar,
  headers http_header[],
  content_type varchar,
  content varchar
);
create type http_response as (
  status integer,
  content_type varchar,
  headers http_header[],
  content varchar
);

create function http_header(field varchar, value varchar) returns http_header
language sql immutable
as $$
  select row(field, value)::@extschema@.http_header
$$;

create function http(request http_request) returns http_response
language plpgsql
as $$
begin
  raise feature_not_supported using
    message = 'the embedded database sends no HTTP requests',
    detail = format('Requested was %s %s.', request.method, request.uri);
end
$$;

create function http_get(uri varchar) returns http_response
language sql
as $$
  select @extschema@.http(row('GET', uri, null, null, null)::@extschema@.http_request)
$$;

create function http_get(uri varchar, data jsonb) returns http_response
language sql
as $$
  select @extschema@.http(
    row('GET', uri || '?' || @extschema@.urlencode(data), null, null, null)
      ::@extschema@.http_request
  )
$$;

create function http_post(uri varchar, content varchar, content_type varchar)
returns http_response
language sql
as $$
  select @extschema@.http(
    row('POST', uri, null, content_type, content)::@extschema@.http_request
  )
$$;

create function http_post(uri varchar, data jsonb) returns http_response
language sql
as $$
  select @extschema@.http(
    row('POST', uri, null, 'application/x-www-form-urlencoded', @extschema@.urlencode(data))
      ::@extschema@.http_request
  )
$$;

create function http_put(uri varchar, content varchar, content_type varchar)
returns http_response
language sql
as $$
  select @extschema@.http(
    row('PUT', uri, null, content_type, content)::@extschema@.http_request
  )
$$;

create function http_patch(uri varchar, content varchar, content_type varchar)
returns http_response
language sql
as $$
  select @extschema@.http(
    row('PATCH', uri, null, content_type, content)::@extschema@.http_request
  )
$$;

create function http_delete(uri varchar) returns http_response
language sql
as $$
  select @extschema@.http(row('DELETE', uri, null, null, null)::@extschema@.http_request)
$$;

create function http_delete(uri varchar, content varchar, content_type varchar)
returns http_response
language sql
as $$
  select @extschema@.http(
    row('DELETE', uri, null, content_type, content)::@extschema@.http_request
  )
$$;

create function http_head(uri varchar) returns http_response
language sql
as $$
  select @extschema@.http(row('HEAD', uri, null, null, null)::@extschema@.http_request)
$$;

create function http_set_curlopt(curlopt varchar, value varchar) returns boolean
language sql
as 'select true';

create function http_reset_curlopt() returns boolean language sql as 'select true';

create function http_list_curlopt() returns table (curlopt text, value text)
language sql
as $$
  select null::text, null::text where false
$$;

-- Letters, digits and -._~ stand for themselves, all else byte by byte.
create function urlencode(string varchar) returns text
language sql immutable strict
as $$
  select string_agg(
    case
      when character ~ '^[A-Za-z0-9._~-]$' then character
      else regexp_replace(upper(encode(convert_to(character, 'UTF8'), 'hex')), '(..)', '%\1', 'g')
    end,
    '' order by position
  )
    from regexp_split_to_table(string, '') with ordinality as each (character, position)
$$;

create function urlencode(string bytea) returns text
language sql immutable strict
as $$
  select @extschema@.urlencode(convert_from(string, 'UTF8')::varchar)
$$;

create function urlencode(data jsonb) returns text
language sql immutable strict
as $$
  select string_agg(
    @extschema@.urlencode(key::varchar) || '=' || @extschema@.urlencode(value::varchar), '&'
  )
    from jsonb_each_text(data)
$$;

create function text_to_bytea(data text) returns bytea
language sql immutable strict
as $$
  select convert_to(data, 'UTF8')
$$;

create function bytea_to_text(data bytea) returns text
language sql immutable strict
as $$
  select convert_from(data, 'UTF8')
$$;
