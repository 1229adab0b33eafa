-- Puts the witness beside a fresh installation of the tracking schema.

-- The row also keeps the last hash of the log, which is no matter of the lock.
create trigger note_lock_change after update on supamigrate.migration_lock
  for each row
  when ((old.is_locked, old.token, old.generation, old.sequence, old.expires_at)
        is distinct from (new.is_locked, new.token, new.generation, new.sequence, new.expires_at))
  execute function _chaos.note_lock_change();
create trigger note_operation after insert on supamigrate.operation
  for each row execute function _chaos.note_operation();
create trigger note_copy after insert on supamigrate.safety_copy
  for each row execute function _chaos.note_copy();
