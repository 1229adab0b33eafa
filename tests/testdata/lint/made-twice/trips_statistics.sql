create statistics public.s on a, b from public.notes;
create statistics public.s on a, b from public.notes;
