-- FORWARD MIGRATION
create table a (
  b text
);
-- ROLLBACK
drop table a;
