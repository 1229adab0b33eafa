-- The publication that Realtime reads. Migrations add their tables to it.

create publication supabase_realtime;
alter publication supabase_realtime owner to postgres;
