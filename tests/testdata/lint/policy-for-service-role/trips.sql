create policy worker on public.notes for all to service_role using (true);
