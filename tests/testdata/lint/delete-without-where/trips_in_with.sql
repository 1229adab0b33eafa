with gone as (delete from public.notes returning *)
insert into app.old_notes (id) select id from gone;
