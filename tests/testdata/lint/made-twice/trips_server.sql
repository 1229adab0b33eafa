create server there foreign data wrapper postgres_fdw;
create server there foreign data wrapper postgres_fdw;
