create table a ();
-- ROLLBACK
drop table a;