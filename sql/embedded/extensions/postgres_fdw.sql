-- Servers and foreign tables can be made. Reading a table says that it cannot be.

-- The input function of the type: it refuses whatever it is given, and reads none of it.
create function postgres_fdw_handler() returns fdw_handler
language internal
as 'fdw_handler_in';

create function postgres_fdw_validator(options text[], catalog oid) returns void
language plpgsql
as 'begin end';

create foreign data wrapper postgres_fdw
  handler postgres_fdw_handler
  validator postgres_fdw_validator;
grant usage on foreign data wrapper postgres_fdw to postgres with grant option;
