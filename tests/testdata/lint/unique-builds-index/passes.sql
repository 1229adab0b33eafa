alter table public.notes add constraint one unique using index notes_body_key;
