-- Takes supamigrate out of a project: the door, the history, the log. The tables that the
-- migrations made stay as they are.
drop schema if exists supamigrate cascade;
drop function if exists public.exec_sql(text, jsonb);
notify pgrst, 'reload schema';
