alter policy own on public.notes rename to mine;
alter index notes_body rename to notes_text;
