-- Migration: add_celebrity_ratings
-- Description: Add rating system for celebrities
-- Created: 2025-07-26T12:34:56.789Z
-- supamigrate: allow check-scans celebrities has some hundred rows, which are read at once

-- ============================================
-- FORWARD MIGRATION
-- ============================================

alter table celebrities add column if not exists average_rating numeric(3,2) not null default 0
  check (average_rating = 0 or average_rating between 1 and 5);
alter table celebrities add column if not exists rating_count integer not null default 0
  check (rating_count >= 0);
comment on column celebrities.average_rating is 'Of celebrity_ratings, kept by a trigger; 0: none';
comment on column celebrities.rating_count is 'How many ratings there are, kept by a trigger';

create table if not exists celebrity_ratings (
  id uuid primary key default gen_random_uuid(),
  celebrity_id uuid not null references celebrities on delete cascade,
  user_id uuid not null default auth.uid() references app_users on delete cascade,
  rating integer not null check (rating >= 1 and rating <= 5),
  review text check (length(review) <= 5000),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  unique (celebrity_id, user_id)
);
comment on table celebrity_ratings is
  'What any user thinks of a celebrity, one rating each. Customers'' reviews of bookings are in '
  'reviews';
comment on column celebrity_ratings.review is 'For the author, the celebrity''s side and moderators';
create index if not exists celebrity_ratings_user_idx on celebrity_ratings (user_id);

-- The average is taken anew, not moved on: it cannot drift. The locks on the celebrities come
-- first, so that of two transactions the second counts what the first has committed; in the order
-- of their keys, so that no two wait for each other; once a statement, however many rows it has.
create or replace function app_private.count_celebrity_ratings() returns trigger
language plpgsql security definer
set search_path = ''
as $$
declare
  touched uuid[];
begin
  case tg_op
    when 'INSERT' then
      select array_agg(celebrity_id) into touched from new_rows;
    when 'DELETE' then
      select array_agg(celebrity_id) into touched from old_rows;
    else
      select array_agg(celebrity_id) into touched
        from (select celebrity_id from new_rows union all select celebrity_id from old_rows) as pairs;
  end case;
  perform from public.celebrities where id = any (touched) order by id for no key update;
  update public.celebrities c
     set (average_rating, rating_count) = (
           select coalesce(avg(r.rating), 0), count(*)
             from public.celebrity_ratings r
            where r.celebrity_id = c.id)
   where id = any (touched);
  return null;
end
$$;
comment on function app_private.count_celebrity_ratings() is
  'Keeps average_rating and rating_count of celebrities';
revoke all on function app_private.count_celebrity_ratings() from public;

create or replace trigger touch_updated_at before update on celebrity_ratings
  for each row execute function app_private.touch_updated_at();
create or replace trigger count_inserted after insert on celebrity_ratings
  referencing new table as new_rows
  for each statement execute function app_private.count_celebrity_ratings();
create or replace trigger count_updated after update on celebrity_ratings
  referencing old table as old_rows new table as new_rows
  for each statement execute function app_private.count_celebrity_ratings();
create or replace trigger count_deleted after delete on celebrity_ratings
  referencing old table as old_rows
  for each statement execute function app_private.count_celebrity_ratings();

-- No grant to change average_rating or rating_count exists, so nobody can.
alter table celebrity_ratings enable row level security;
revoke all on celebrity_ratings from public, anon, authenticated, service_role;
grant select, insert, update, delete on celebrity_ratings to service_role;
grant select, insert (celebrity_id, user_id, rating, review), update (rating, review), delete
  on celebrity_ratings to authenticated;

drop policy if exists "Suspended accounts are locked out" on celebrity_ratings;
create policy "Suspended accounts are locked out" on celebrity_ratings as restrictive
  to authenticated using (not (select app_private.is_locked_out()));
-- The same policy as it was called before, in 63 bytes.
drop policy if exists "Users read their own ratings, and those of celebrities they act"
  on celebrity_ratings;
drop policy if exists "Users read their own ratings and those of their celebrities"
  on celebrity_ratings;
create policy "Users read their own ratings and those of their celebrities"
  on celebrity_ratings
  for select to authenticated
  using (
    user_id = (select auth.uid())
    or celebrity_id in (select app_private.my_celebrity_ids())
    or (select app_private.has_permission('reviews.moderate'))
  );
drop policy if exists "Users rate active celebrities they do not act for" on celebrity_ratings;
create policy "Users rate active celebrities they do not act for" on celebrity_ratings
  for insert to authenticated
  with check (
    user_id = (select auth.uid())
    and exists (
      select from celebrities where id = celebrity_id and celebrities.status = 'active')
    and celebrity_id not in (select app_private.my_celebrity_ids())
  );
drop policy if exists "Users change their ratings" on celebrity_ratings;
create policy "Users change their ratings" on celebrity_ratings
  for update to authenticated
  using (user_id = (select auth.uid()))
  with check (user_id = (select auth.uid()));
drop policy if exists "Users and moderators delete ratings" on celebrity_ratings;
create policy "Users and moderators delete ratings" on celebrity_ratings
  for delete to authenticated
  using (
    user_id = (select auth.uid())
    or (select app_private.has_permission('reviews.moderate'))
  );

-- ============================================
-- ROLLBACK
-- ============================================

drop table if exists celebrity_ratings;
drop function if exists app_private.count_celebrity_ratings();
alter table celebrities drop column if exists average_rating;
alter table celebrities drop column if exists rating_count;
