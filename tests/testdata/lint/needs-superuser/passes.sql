alter database postgres set work_mem = '64MB';
