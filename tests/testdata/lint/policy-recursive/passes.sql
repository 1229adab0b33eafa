create policy members on public.members for select to authenticated
  using (team_id in (select app.teams_of_user()));
create policy joins on public.members for insert to authenticated
  with check (exists (select from public.members m where m.role = 'owner'));
