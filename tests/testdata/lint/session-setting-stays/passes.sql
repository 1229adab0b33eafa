set local work_mem = '64MB';
set search_path = app;
alter database postgres set work_mem = '64MB';
