-- What supautils lets postgres do on hosted projects, as far as plain PostgreSQL can allow it. Run
-- after project.sql, for servers whose extensions are trusted as PostgreSQL ships them.
-- Not to be had: event triggers of postgres's own, and what supautils refuses.

-- Policies on these tables ask for ownership here. As the owner may create nothing in the schema,
-- neither may postgres: there as on the platform. But it may alter the tables, which it may not
-- there.
revoke create on schema storage from supabase_storage_admin;
grant supabase_storage_admin, supabase_realtime_admin to postgres;
