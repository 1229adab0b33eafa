create policy admins on public.notes for select to authenticated
  using ((select auth.jwt() -> 'user_metadata' ->> 'role') = 'admin');
