-- Signatures of the pgmq that hosted projects have, which a later one has changed: grants name them.

create function pgmq.pop(queue_name text) returns setof pgmq.message_record
language sql
as $$
  select * from pgmq.pop(queue_name, 1)
$$;
