create policy members on public.notes for select to public
  using ((select auth.role()) = 'authenticated');
