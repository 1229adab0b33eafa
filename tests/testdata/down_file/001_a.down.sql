-- undo
drop table a;
