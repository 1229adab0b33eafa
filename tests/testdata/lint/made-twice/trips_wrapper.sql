create foreign data wrapper own;
create foreign data wrapper own;
