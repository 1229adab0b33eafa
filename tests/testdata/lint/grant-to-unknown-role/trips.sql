grant select on public.notes to anonymous;
