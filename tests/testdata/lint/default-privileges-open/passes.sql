alter default privileges in schema public revoke select on tables from anon;
alter default privileges in schema public grant select on tables to service_role;
