create table a ();

-- ROLLBACK
-- see 001_a.down.sql
