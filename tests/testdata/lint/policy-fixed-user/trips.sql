create policy boss on public.notes for select to authenticated
  using ((select auth.uid()) = '5b0c1f4e-7f0a-4c9a-9d52-6a3f3a3a0c11');
