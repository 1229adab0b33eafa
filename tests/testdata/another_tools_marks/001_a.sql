-- migrate:up
create table a ();
-- migrate:down
drop table a;
