alter policy own on public.notes to service_role;
