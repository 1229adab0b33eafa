-- Puts the witness beside a fresh installation of the tracking schema.

create trigger note_lock_change after update on supamigrate.migration_lock
  for each row execute function _chaos.note_lock_change();
create trigger note_operation after insert on supamigrate.operation
  for each row execute function _chaos.note_operation();
