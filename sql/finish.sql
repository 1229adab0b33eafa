-- The end of the installation: nobody but the owner has anything to do in the schema.
revoke all on all tables in schema supamigrate from public;
revoke all on all sequences in schema supamigrate from public;
revoke all on all functions in schema supamigrate from public;

update supamigrate.installation set door = supamigrate.digest_door() where id = 1;

notify pgrst, 'reload schema';
