insert into public.notes (body) select migration_name from supamigrate.migration_history;
