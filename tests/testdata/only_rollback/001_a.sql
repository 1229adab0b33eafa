-- Migration: a

-- ROLLBACK
drop table a;
