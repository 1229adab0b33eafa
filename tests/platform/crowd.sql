-- 250,000 rows of a platform in use, with keys made from numbers. Triggers and foreign keys are
-- off while they are made: what is tested on them is how they are read.

set session_replication_role = replica;

insert into auth.users (id, email)
select md5('user ' || n)::uuid, 'user' || n || '@example.com' from generate_series(1, 10000) as n;
insert into public.app_users (id, email, display_name)
select md5('user ' || n)::uuid, 'user' || n || '@example.com', 'User ' || n
  from generate_series(1, 10000) as n;

insert into public.organizations (id, name)
select md5('organization ' || n)::uuid, 'Company ' || n from generate_series(1, 1000) as n;
insert into public.organization_members (organization_id, user_id, role, status)
select md5('organization ' || 1 + n % 1000)::uuid, md5('user ' || n)::uuid, 'booker', 'active'
  from generate_series(1, 5000) as n;

insert into public.celebrities (id, slug, stage_name, status, verified_at)
select md5('celebrity ' || n)::uuid, 'celebrity-' || n, 'Celebrity ' || n,
       case when n % 10 = 0 then 'paused' else 'active' end::public.celebrity_status, now()
  from generate_series(1, 25000) as n;
insert into public.celebrity_representatives
  (celebrity_id, user_id, kind, status, can_edit_profile, can_negotiate, can_sign, can_see_finances)
select md5('celebrity ' || n)::uuid, md5('user ' || 5001 + n % 5000)::uuid, 'self', 'active',
       true, true, true, true
  from generate_series(1, 25000) as n;
insert into public.celebrity_categories (celebrity_id, category_id)
select md5('celebrity ' || n)::uuid, k.id
  from generate_series(1, 25000) as n
  join (select id, row_number() over (order by slug) as number from public.categories) as k
    on k.number = 1 + n % 12;
insert into public.celebrity_rates
  (celebrity_id, service_type_id, currency_code, unit, amount_minor)
select md5('celebrity ' || n)::uuid, s.id, 'USD', 'event', 10000 + (n * 7919::bigint) % 100000000
  from generate_series(1, 25000) as n
  join (select id, row_number() over (order by slug) as number from public.service_types) as s
    on s.number = 1 + n / 12 % 9;

insert into public.bookings
  (id, customer_id, organization_id, celebrity_id, service_type_id, starts_at, ends_at, status,
   currency_code, subtotal_minor)
select md5('booking ' || n)::uuid, md5('user ' || 1 + n % 5000)::uuid,
       md5('organization ' || 1 + n % 1000)::uuid, md5('celebrity ' || 1 + n % 20000)::uuid,
       md5('service')::uuid, day, day + interval '4 hours',
       (array['completed', 'completed', 'completed', 'completed', 'completed', 'completed',
              'completed', 'cancelled', 'confirmed', 'pending'])[1 + (n / 1000) % 10]
         ::public.booking_status,
       'USD', 100000
  from (
    select n, timestamptz '2024-01-01 18:00Z' + n / 20000 * interval '60 days' as day
      from generate_series(0, 39999) as n
  ) as numbered;
insert into public.commissions
  (id, booking_id, currency_code, beneficiary, celebrity_id, rate, amount_minor)
select md5('commission ' || n)::uuid, md5('booking ' || n)::uuid, 'USD', 'celebrity',
       md5('celebrity ' || 1 + n % 20000)::uuid, 100, 100000
  from generate_series(0, 9999) as n;
insert into public.payouts (commission_id, currency_code, amount_minor, due_on, status, paid_at)
select md5('commission ' || n)::uuid, 'USD', 100000, date '2024-01-01' + n / 10,
       case when n < 9000 then 'paid' else 'scheduled' end::public.payout_status,
       case when n < 9000 then now() end
  from generate_series(0, 9999) as n;
insert into public.reviews
  (booking_id, celebrity_id, author_name, rating, status, published_at)
select md5('booking ' || n)::uuid, md5('celebrity ' || 1 + n % 20000)::uuid, 'C.', 1 + n % 5,
       'approved', now()
  from generate_series(0, 9999) as n;

insert into public.conversations (id, customer_id, subject, last_message_at)
select md5('conversation ' || n)::uuid, md5('user ' || 1 + n % 5000)::uuid, 'Help', now()
  from generate_series(1, 10000) as n;
insert into public.messages
  (conversation_id, sender_id, sender_side, sender_name, body, read_at)
select md5('conversation ' || 1 + n % 10000)::uuid, md5('user ' || 1 + n % 5000)::uuid,
       case when n % 2 = 0 then 'customer' else 'platform' end::public.party_side, 'N.', 'Hello',
       case when n < 40000 then now() end
  from generate_series(0, 49999) as n;

insert into public.user_roles (user_id, role_code) values (md5('user 10000')::uuid, 'finance');

reset session_replication_role;
analyze;
