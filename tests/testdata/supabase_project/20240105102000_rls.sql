alter table public.organizations enable row level security;
alter table public.profiles enable row level security;
alter table public.memberships enable row level security;

create policy "Public profiles are viewable by everyone."
  on public.profiles for select using (true);

create policy "Users can insert their own profile."
  on public.profiles for insert with check ((select auth.uid()) = id);

create policy "Users can update own profile."
  on public.profiles for update using ((select auth.uid()) = id);

create policy "Members read their org" on public.organizations
  for select to authenticated
  using (exists (select 1 from public.memberships m where m.org_id = organizations.id and m.user_id = (select auth.uid())));
