create policy "Viewers read documents" on public.documents
  for select to authenticated
  using (exists (select 1 from public.memberships m
                  where m.org_id = documents.org_id and m.role = 'viewer'
                    and m.user_id = (select auth.uid())));
