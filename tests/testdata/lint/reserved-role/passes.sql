create role app_reader;
grant app_reader to authenticated;
