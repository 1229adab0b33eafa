create index if not exists memberships_user_idx on public.memberships (user_id);
