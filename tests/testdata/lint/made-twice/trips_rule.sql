create rule r as on insert to public.notes do nothing;
create rule r as on insert to public.notes do nothing;
