grant select on public.notes to public;
