create policy boss on public.notes for select to authenticated
  using ((select auth.uid()) in (select user_id from app.bosses));
