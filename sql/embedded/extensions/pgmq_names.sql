-- Signatures of the pgmq that hosted projects have, which a later one has changed: grants name them.
-- With a default for its second argument the one of two would leave no call of the one of one.

alter function pgmq.pop(text, integer) rename to pop_several;

create function pgmq.pop(queue_name text) returns setof pgmq.message_record
language sql
as $$
  select * from pgmq.pop_several(queue_name, 1)
$$;

create function pgmq.pop(queue_name text, qty integer) returns setof pgmq.message_record
language sql
as $$
  select * from pgmq.pop_several(queue_name, qty)
$$;
