-- The end of the installation: nobody but the owner has anything to do in the schema. By name as
-- well, for what default privileges or a grant on every schema gave them.
revoke all on schema supamigrate from public, anon, authenticated, service_role;
revoke all on all tables in schema supamigrate from public, anon, authenticated, service_role;
revoke all on all sequences in schema supamigrate from public, anon, authenticated, service_role;
revoke all on all functions in schema supamigrate from public, anon, authenticated, service_role;

update supamigrate.installation set door = supamigrate.digest_door() where id = 1;

notify pgrst, 'reload schema';
