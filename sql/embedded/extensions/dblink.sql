-- The functions, so that what calls them can be made. A call says that nothing is connected to.

do $$
declare
  signature text;
begin
  foreach signature in array array[
    'dblink(text) returns setof record',
    'dblink(text, text) returns setof record',
    'dblink(text, text, boolean) returns setof record',
    'dblink_connect(text) returns text',
    'dblink_connect(text, text) returns text',
    'dblink_connect_u(text) returns text',
    'dblink_connect_u(text, text) returns text',
    'dblink_disconnect() returns text',
    'dblink_disconnect(text) returns text',
    'dblink_exec(text) returns text',
    'dblink_exec(text, text) returns text',
    'dblink_exec(text, text, boolean) returns text',
    'dblink_send_query(text, text) returns integer',
    'dblink_get_result(text) returns setof record',
    'dblink_is_busy(text) returns integer',
    'dblink_get_connections() returns text[]',
    'dblink_error_message(text) returns text'
  ] loop
    execute format(
      $function$
        create function %s language plpgsql as $body$
        begin
          raise feature_not_supported using
            message = 'the embedded database connects to no other database';
        end
        $body$
      $function$,
      signature
    );
  end loop;
end
$$;

create function dblink_fdw_validator(options text[], catalog oid) returns void
language plpgsql
as 'begin end';
create foreign data wrapper dblink_fdw validator dblink_fdw_validator;
grant usage on foreign data wrapper dblink_fdw to postgres with grant option;
