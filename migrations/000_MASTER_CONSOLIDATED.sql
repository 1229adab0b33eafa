-- Migration: MASTER_CONSOLIDATED
-- Description: The whole schema of the celebrity-booking platform: the single source of truth
-- Created: 2025-07-01T00:00:00.000Z
--
-- How to read it: types, tables by area, indexes, functions, triggers, row level security and
-- grants, the functions of the API, essential data; then what undoes all of it.
--
-- How to change it: every statement can be run again, so a changed function, policy, grant,
-- comment or row of essential data takes effect when the file is applied again, which locks all
-- tables for about a second. A changed table does not (`create table if not exists`): tables are
-- altered in migrations of their own.
--
-- Decisions that concern every table:
-- * Money is counted in minor units (cents) as bigint, next to its ISO 4217 code. Comparing
--   bigint, uuid, text, date and timestamptz is leakproof, comparing numeric, enums and ranges is
--   not: only the former can use an index below row level security. For the same reason the
--   queries of the product filter by times, not by ranges, and by status through partial indexes.
-- * Whoever may not change a column has no grant for it. What changes states or money goes
--   through functions, which check who calls.
-- * Users who did business cannot be deleted (`on delete restrict`); their accounts are closed.
-- * Policies call `(select …)` around functions, so that they run once in a query.

-- ============================================
-- FORWARD MIGRATION
-- ============================================

-- The private schema: helpers that the API cannot call. On the first run nothing of the
-- platform may be there, or the rollback would drop what it did not make.

do $$
begin
  if to_regnamespace('app_private') is not null
     and to_regprocedure('app_private.platform_tables()') is null then
    raise exception 'The schema app_private is in use for something else';
  end if;
end
$$;

create schema if not exists app_private;
comment on schema app_private is
  'Helpers of the celebrity-booking platform: out of the reach of the REST API';

create or replace function app_private.platform_tables()
returns table (area text, table_name text)
language sql immutable
set search_path = ''
as $$
  select areas.area, names.table_name
    from (values
      ('Core business', array[
        'currencies', 'countries', 'tax_rates', 'app_users', 'user_profiles',
        'organizations', 'organization_members', 'categories', 'service_types', 'celebrities',
        'celebrity_categories', 'celebrity_media', 'celebrity_representatives',
        'celebrity_rates', 'availability_blocks', 'venues', 'events', 'booking_requests',
        'booking_offers', 'bookings', 'booking_items', 'booking_status_history', 'contracts',
        'rider_items', 'invoices', 'payments', 'refunds', 'commissions', 'payouts', 'reviews',
        'favorites']),
      ('Security and RBAC', array[
        'roles', 'permissions', 'role_permissions', 'user_roles', 'api_keys', 'audit_log']),
      ('Communication', array['conversations', 'messages', 'email_notifications']),
      ('Analytics', array['metrics', 'daily_metrics', 'forecasts', 'analytics_events']),
      ('Specialised', array[
        'app_settings', 'exchange_rates', 'ledger_entries', 'payout_accounts',
        'crypto_wallets', 'crypto_payments', 'calendar_connections', 'calendar_events',
        'fraud_rules', 'fraud_cases', 'fraud_signals', 'files', 'attachments',
        'webhook_endpoints', 'webhook_deliveries'])
    ) as areas (area, table_names),
    unnest(areas.table_names) as names (table_name)
$$;
comment on function app_private.platform_tables() is
  'The tables of 000_MASTER_CONSOLIDATED by area, in the order of their creation';

do $$
declare
  taken text;
begin
  if to_regtype('public.minor_units') is not null then
    return; -- not the first run
  end if;
  select string_agg(table_name, ', ') into taken
    from app_private.platform_tables()
   where to_regclass(format('public.%I', table_name)) is not null;
  if taken is not null then
    raise exception 'The database has tables of these names already: %', taken;
  end if;
end
$$;

-- btree_gist, for the constraints that exclude overlapping times. Where it was there before, it is
-- used as it is and stays; where it is created here, a function says so to the rollback. (Not a
-- comment on it: on hosted projects extensions belong to supabase_admin.)

do $$
begin
  if not exists (select from pg_extension where extname = 'btree_gist') then
    create extension btree_gist with schema extensions;
    create function app_private.made_btree_gist() returns void
      language sql set search_path = '' as '';
    comment on function app_private.made_btree_gist() is
      'Exists where 000_MASTER_CONSOLIDATED created the extension';
  end if;
end
$$;

-- Domains: each rule about a kind of value stands in one place.

do $$
begin
  if to_regtype('public.minor_units') is not null then
    return;
  end if;

  create domain minor_units as bigint
    check (value between 0 and 9007199254740991);
  comment on domain minor_units is
    'Money in the smallest unit of its currency, never negative, exact in a JSON number';

  create domain currency_code as text check (value ~ '^[A-Z]{3}$');
  comment on domain currency_code is 'ISO 4217';

  create domain country_code as text check (value ~ '^[A-Z]{2}$');
  comment on domain country_code is 'ISO 3166-1 alpha-2';

  create domain language_tag as text check (value ~ '^[a-z]{2,3}(-[A-Z]{2})?$');
  comment on domain language_tag is 'BCP 47: a language, with a region or without';

  create domain time_zone_name as text check (value ~ '^[A-Za-z_]+(/[A-Za-z0-9_+-]+)*$');
  comment on domain time_zone_name is 'A zone of the IANA database, such as Europe/Paris';

  create domain percentage as numeric(6, 3) check (value between 0 and 100);
  comment on domain percentage is 'Of a hundred, with three decimals';

  create domain email_address as text
    check (length(value) <= 254 and value = lower(value)
           and value ~ '^[^@\s]+@[^@\s]+\.[^@\s]+$');
  comment on domain email_address is
    'Lower case, so that unique means unique; citext would depend on the search_path';

  create domain phone_number as text check (value ~ '^\+[1-9][0-9]{6,14}$');
  comment on domain phone_number is 'E.164';

  create domain https_url as text check (length(value) <= 2048 and value ~ '^https://[^\s/]+\S*$');
  create domain slug as text check (length(value) <= 80 and value ~ '^[a-z0-9]+(-[a-z0-9]+)*$');
  comment on domain slug is 'A name for URLs';

  create domain sha256_digest as bytea check (octet_length(value) = 32);
end
$$;

-- Enums, for states that code branches on. What staff adds to is a table.

do $$
begin
  if to_regtype('public.account_status') is not null then
    return;
  end if;

  create type account_status as enum ('active', 'suspended', 'closed');
  create type organization_kind as enum ('company', 'agency', 'nonprofit', 'public_body');
  create type organization_role as enum ('owner', 'admin', 'booker', 'viewer');
  create type membership_status as enum ('invited', 'active', 'ended');

  create type celebrity_status as enum ('draft', 'in_review', 'active', 'paused', 'retired');
  create type representative_kind as enum ('self', 'agent', 'manager', 'publicist', 'assistant');
  create type media_kind as enum ('image', 'video', 'audio');
  create type rate_unit as enum ('hour', 'day', 'event', 'item');
  create type block_kind as enum ('unavailable', 'travel', 'tentative');

  create type party_side as enum ('customer', 'celebrity', 'platform');
  create type request_status as enum
    ('open', 'negotiating', 'accepted', 'declined', 'withdrawn', 'expired');
  create type offer_status as enum ('open', 'accepted', 'declined', 'withdrawn', 'superseded');
  create type booking_status as enum
    ('pending', 'confirmed', 'in_progress', 'completed', 'disputed', 'cancelled');
  create type contract_status as enum ('draft', 'sent', 'signed', 'void');
  create type rider_kind as enum ('technical', 'hospitality', 'security', 'travel', 'wardrobe');

  create type invoice_kind as enum ('deposit', 'balance');
  create type payment_method as enum ('card', 'bank_transfer', 'wallet', 'crypto');
  create type payment_status as enum ('pending', 'succeeded', 'failed', 'cancelled');
  create type payout_status as enum ('scheduled', 'processing', 'paid', 'failed', 'cancelled');
  create type beneficiary as enum ('platform', 'representative', 'celebrity');
  create type ledger_account as enum
    ('cash', 'customer_funds', 'tax_payable', 'platform_revenue', 'representative_payable',
     'celebrity_payable');

  create type review_status as enum ('pending', 'approved', 'rejected');
  create type audit_action as enum ('insert', 'update', 'delete');
  create type conversation_kind as enum ('booking', 'support');
  create type email_status as enum ('queued', 'sent', 'delivered', 'bounced', 'failed');
  create type metric_grain as enum ('count', 'money', 'ratio', 'duration');

  create type crypto_network as enum ('bitcoin', 'ethereum', 'polygon', 'solana');
  create type calendar_provider as enum ('google', 'microsoft', 'apple');
  create type fraud_severity as enum ('low', 'medium', 'high', 'critical');
  create type fraud_case_status as enum ('open', 'investigating', 'confirmed', 'dismissed');
  create type delivery_status as enum ('pending', 'succeeded', 'failed');
end
$$;

-- Core business: reference data

create table if not exists currencies (
  code currency_code primary key,
  name text not null unique,
  minor_unit_digits smallint not null check (minor_unit_digits between 0 and 4),
  symbol text not null,
  is_active boolean not null default true
);
comment on table currencies is 'Currencies that prices, payments and payouts can be in';
comment on column currencies.minor_unit_digits is
  'How many decimals the currency has: 2 for euros and cents, 0 for yen';

create table if not exists countries (
  code country_code primary key,
  name text not null unique
);
comment on table countries is 'Countries of ISO 3166-1';

create table if not exists tax_rates (
  id uuid primary key default gen_random_uuid(),
  country_code country_code not null references countries on delete restrict,
  region text not null default '',
  name text not null check (length(name) between 1 and 60),
  rate percentage not null,
  valid_from date not null,
  valid_until date,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  check (valid_until > valid_from),
  constraint tax_rates_no_overlap exclude using gist
    (country_code with =, region with =, daterange(valid_from, valid_until) with &&)
);
comment on table tax_rates is 'The sales tax of a place in the course of time, one rate a day';
comment on column tax_rates.rate is 'In percent';
comment on column tax_rates.region is 'State or province; empty where the country has one rate';
comment on column tax_rates.valid_until is
  'The first day it is no longer valid; null: until further notice';

-- Core business: people and organisations

create table if not exists app_users (
  id uuid primary key references auth.users on delete cascade,
  email email_address unique,
  display_name text not null check (length(btrim(display_name)) between 1 and 80),
  language language_tag not null default 'en',
  status account_status not null default 'active',
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
comment on table app_users is
  'Everyone who signed up. The account goes with its auth user unless business hangs on it';
comment on column app_users.email is
  'As Auth confirmed it; null for accounts that sign in by phone';
comment on column app_users.status is 'Suspended and closed accounts see nothing through the API';

create table if not exists user_profiles (
  user_id uuid primary key references app_users on delete cascade,
  given_name text check (length(given_name) <= 80),
  family_name text check (length(family_name) <= 80),
  full_name text generated always as
    (btrim(coalesce(given_name, '') || ' ' || coalesce(family_name, ''))) stored,
  phone phone_number,
  birth_date date check (birth_date > date '1900-01-01'),
  country_code country_code references countries on delete restrict,
  time_zone time_zone_name not null default 'UTC',
  marketing_consent_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
comment on table user_profiles is 'What a user tells about themselves: for them and staff alone';
comment on column user_profiles.marketing_consent_at is
  'When they agreed to advertising; null: they did not, or no longer do';

create table if not exists organizations (
  id uuid primary key default gen_random_uuid(),
  kind organization_kind not null default 'company',
  name text not null check (length(btrim(name)) between 1 and 120),
  legal_name text check (length(legal_name) <= 200),
  country_code country_code references countries on delete restrict,
  tax_number text check (length(tax_number) <= 40),
  billing_email email_address,
  website https_url,
  currency_code currency_code not null default 'USD' references currencies on delete restrict,
  verified_at timestamptz,
  created_by uuid default auth.uid() references app_users on delete set null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
comment on table organizations is 'Companies that book, and agencies that represent';
comment on column organizations.tax_number is 'Of the country''s tax office, such as a VAT number';
comment on column organizations.currency_code is 'What they prefer to be invoiced in';
comment on column organizations.verified_at is 'When staff checked that the organisation exists';
comment on column organizations.created_by is 'Becomes its first owner';

create table if not exists organization_members (
  organization_id uuid not null references organizations on delete cascade,
  user_id uuid not null references app_users on delete cascade,
  role organization_role not null default 'viewer',
  status membership_status not null default 'invited',
  title text check (length(title) <= 80),
  invited_by uuid default auth.uid() references app_users on delete set null,
  joined_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (organization_id, user_id)
);
comment on table organization_members is
  'Who acts for an organisation. An invitation counts for nothing until it is accepted';
comment on column organization_members.role is
  'Owners do everything, admins manage bookers and viewers, bookers book, viewers read';

-- Core business: celebrities

create table if not exists categories (
  id uuid primary key default gen_random_uuid(),
  parent_id uuid references categories on delete restrict,
  slug slug not null unique,
  name text not null check (length(name) between 1 and 60),
  position integer not null default 0,
  is_active boolean not null default true,
  check (parent_id <> id)
);
comment on table categories is 'What celebrities are known for, as a tree';
comment on column categories.position is 'Order among its siblings';

create table if not exists service_types (
  id uuid primary key default gen_random_uuid(),
  slug slug not null unique,
  name text not null check (length(name) between 1 and 60),
  default_unit rate_unit not null,
  is_in_person boolean not null,
  is_active boolean not null default true
);
comment on table service_types is 'What a celebrity can be booked for';
comment on column service_types.default_unit is 'How it is usually priced';

create table if not exists celebrities (
  id uuid primary key default gen_random_uuid(),
  slug slug not null unique,
  stage_name text not null check (length(btrim(stage_name)) between 1 and 120),
  sort_name text collate "C" not null generated always as (lower(stage_name)) stored,
  headline text check (length(headline) <= 160),
  biography text check (length(biography) <= 10000),
  country_code country_code references countries on delete restrict,
  website https_url,
  status celebrity_status not null default 'draft',
  verified_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  check (status <> 'active' or verified_at is not null)
);
comment on table celebrities is
  'The public profile of whoever can be booked. Everything in it is shown to everyone once it is '
  'active: what is private stands in other tables';
comment on column celebrities.verified_at is
  'When staff checked that the profile is who it says it is; none is active without';
comment on column celebrities.sort_name is
  'For lists, and for search by beginning: in byte order, as LIKE uses no index below RLS';

create table if not exists celebrity_categories (
  celebrity_id uuid not null references celebrities on delete cascade,
  category_id uuid not null references categories on delete restrict,
  is_primary boolean not null default false,
  primary key (celebrity_id, category_id)
);
comment on table celebrity_categories is 'Which categories a celebrity is found in';

create table if not exists celebrity_media (
  id uuid primary key default gen_random_uuid(),
  celebrity_id uuid not null references celebrities on delete cascade,
  kind media_kind not null,
  url https_url not null,
  caption text check (length(caption) <= 200),
  position integer not null default 0,
  is_public boolean not null default true,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
comment on table celebrity_media is 'Pictures, videos and recordings of a profile';
comment on column celebrity_media.is_public is
  'Otherwise for the celebrity''s side alone, such as drafts';

create table if not exists celebrity_representatives (
  celebrity_id uuid not null references celebrities on delete cascade,
  user_id uuid not null references app_users on delete cascade,
  kind representative_kind not null,
  status membership_status not null default 'invited',
  organization_id uuid references organizations on delete set null,
  can_edit_profile boolean not null default false,
  can_negotiate boolean not null default false,
  can_sign boolean not null default false,
  can_see_finances boolean not null default false,
  commission_rate percentage not null default 0,
  ends_on date,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (celebrity_id, user_id),
  check (kind <> 'self'
         or (can_edit_profile and can_negotiate and can_sign and can_see_finances
             and commission_rate = 0 and ends_on is null))
);
comment on table celebrity_representatives is
  'Who acts for a celebrity, the celebrity included (kind self), and what they may do';
comment on column celebrity_representatives.organization_id is 'The agency they do it for';
comment on column celebrity_representatives.commission_rate is
  'Their share of what a booking brings, before tax';
comment on column celebrity_representatives.ends_on is 'The first day they no longer represent';

create table if not exists celebrity_rates (
  id uuid primary key default gen_random_uuid(),
  celebrity_id uuid not null references celebrities on delete cascade,
  service_type_id uuid not null references service_types on delete restrict,
  currency_code currency_code not null references currencies on delete restrict,
  unit rate_unit not null,
  amount_minor minor_units not null check (amount_minor > 0),
  minimum_units integer not null default 1 check (minimum_units > 0),
  is_active boolean not null default true,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  unique (celebrity_id, service_type_id, currency_code, unit)
);
comment on table celebrity_rates is 'What a celebrity asks for a service: where negotiation begins';
comment on column celebrity_rates.amount_minor is 'For one unit, before tax';
comment on column celebrity_rates.minimum_units is 'The fewest hours, days or items they come for';

create table if not exists availability_blocks (
  id uuid primary key default gen_random_uuid(),
  celebrity_id uuid not null references celebrities on delete cascade,
  kind block_kind not null default 'unavailable',
  starts_at timestamptz not null,
  ends_at timestamptz not null,
  during tstzrange not null generated always as (tstzrange(starts_at, ends_at, '[)')) stored,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  check (ends_at > starts_at),
  constraint availability_blocks_no_overlap exclude using gist
    (celebrity_id with =, during with &&) where (kind <> 'tentative')
);
comment on table availability_blocks is
  'When a celebrity cannot be booked. Bookings are refused in that time, and it over bookings; '
  'tentative blocks are notes and refuse nothing';

-- Core business: venues, events, negotiation

create table if not exists venues (
  id uuid primary key default gen_random_uuid(),
  organization_id uuid references organizations on delete set null,
  created_by uuid default auth.uid() references app_users on delete set null,
  name text not null check (length(btrim(name)) between 1 and 120),
  address text not null check (length(address) <= 300),
  city text not null check (length(city) <= 120),
  country_code country_code not null references countries on delete restrict,
  latitude numeric(9, 6) check (latitude between -90 and 90),
  longitude numeric(9, 6) check (longitude between -180 and 180),
  time_zone time_zone_name not null,
  capacity integer check (capacity > 0),
  is_listed boolean not null default false,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  check ((latitude is null) = (longitude is null))
);
comment on table venues is 'Places where events are held';
comment on column venues.organization_id is
  'Whose members may use and change it; null: its creator alone';
comment on column venues.is_listed is 'Staff made it visible to all users';

create table if not exists events (
  id uuid primary key default gen_random_uuid(),
  organizer_id uuid not null default auth.uid() references app_users on delete restrict,
  organization_id uuid references organizations on delete restrict,
  venue_id uuid references venues on delete restrict,
  name text not null check (length(btrim(name)) between 1 and 160),
  description text check (length(description) <= 10000),
  starts_at timestamptz not null,
  ends_at timestamptz not null,
  expected_guests integer check (expected_guests > 0),
  is_charity boolean not null default false,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  check (ends_at > starts_at)
);
comment on table events is 'What a customer wants a celebrity for';
comment on column events.venue_id is 'Null: online, or not decided yet';

create table if not exists booking_requests (
  id uuid primary key default gen_random_uuid(),
  customer_id uuid not null default auth.uid() references app_users on delete restrict,
  organization_id uuid references organizations on delete restrict,
  celebrity_id uuid not null references celebrities on delete restrict,
  service_type_id uuid not null references service_types on delete restrict,
  event_id uuid references events on delete restrict,
  requester_name text not null default '',
  starts_at timestamptz not null,
  ends_at timestamptz not null,
  currency_code currency_code not null references currencies on delete restrict,
  budget_minor minor_units,
  message text check (length(message) <= 5000),
  status request_status not null default 'open',
  expires_at timestamptz not null default now() + interval '30 days',
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  check (ends_at > starts_at),
  unique (id, currency_code)
);
comment on table booking_requests is 'A customer asks for a celebrity; offers follow';
comment on column booking_requests.budget_minor is
  'What the customer would pay before tax; null: they did not say';
comment on column booking_requests.expires_at is 'From then on no offers are made';
comment on column booking_requests.organization_id is 'On whose behalf; null: a private person';
comment on column booking_requests.requester_name is
  'The organisation''s or the user''s name when they asked: what the celebrity''s side sees';

create table if not exists booking_offers (
  id uuid primary key default gen_random_uuid(),
  request_id uuid not null,
  currency_code currency_code not null,
  round integer not null check (round > 0),
  side party_side not null check (side <> 'platform'),
  made_by uuid not null default auth.uid() references app_users on delete restrict,
  amount_minor minor_units not null check (amount_minor > 0),
  starts_at timestamptz not null,
  ends_at timestamptz not null,
  terms text check (length(terms) <= 10000),
  status offer_status not null default 'open',
  expires_at timestamptz not null default now() + interval '14 days',
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  check (ends_at > starts_at),
  unique (request_id, round),
  foreign key (request_id, currency_code)
    references booking_requests (id, currency_code) on delete cascade
);
comment on table booking_offers is
  'Offers and counter-offers of a negotiation: each new one takes the place of the one before';
comment on column booking_offers.round is 'Counts the offers of the request, by a trigger';
comment on column booking_offers.amount_minor is 'Before tax';
comment on column booking_offers.side is 'Who made it: only the other side can accept it';

-- Core business: bookings

create table if not exists bookings (
  id uuid primary key default gen_random_uuid(),
  offer_id uuid unique references booking_offers on delete restrict,
  customer_id uuid not null references app_users on delete restrict,
  organization_id uuid references organizations on delete restrict,
  celebrity_id uuid not null references celebrities on delete restrict,
  service_type_id uuid not null references service_types on delete restrict,
  event_id uuid references events on delete restrict,
  starts_at timestamptz not null,
  ends_at timestamptz not null,
  during tstzrange not null generated always as (tstzrange(starts_at, ends_at, '[)')) stored,
  status booking_status not null default 'pending',
  status_reason text check (length(status_reason) <= 1000),
  currency_code currency_code not null references currencies on delete restrict,
  subtotal_minor minor_units not null default 0,
  tax_minor minor_units not null default 0,
  total_minor minor_units not null generated always as (subtotal_minor + tax_minor) stored,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  check (ends_at > starts_at),
  constraint bookings_no_overlap exclude using gist
    (celebrity_id with =, during with &&) where (status <> 'cancelled'),
  unique (id, currency_code),
  unique (id, celebrity_id)
);
comment on table bookings is
  'A celebrity is engaged for a time. From pending on the time is taken; cancelling frees it';
comment on column bookings.offer_id is 'What was accepted; null: made by staff';
comment on column bookings.status_reason is 'Why the status is what it is; copied to the history';
comment on column bookings.subtotal_minor is 'Sum of the items before tax, kept by a trigger';
comment on column bookings.tax_minor is 'Sum of the items'' tax, kept by a trigger';
comment on constraint bookings_no_overlap on bookings is
  'Nobody is in two places at once: whatever is not cancelled takes its time';

create table if not exists booking_items (
  id uuid primary key default gen_random_uuid(),
  booking_id uuid not null references bookings on delete restrict,
  description text not null check (length(btrim(description)) between 1 and 300),
  quantity integer not null default 1 check (quantity > 0),
  unit_price_minor minor_units not null,
  discount_minor minor_units not null default 0,
  tax_rate percentage not null default 0,
  net_minor minor_units not null
    generated always as (quantity * unit_price_minor - discount_minor) stored,
  tax_minor minor_units not null generated always as
    (round((quantity * unit_price_minor - discount_minor) * tax_rate / 100)::bigint) stored,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
comment on table booking_items is 'What a booking consists of. Frozen once it is confirmed';
comment on column booking_items.tax_minor is
  'Rounded half up for each item, as the invoice shows it: totals are sums of what is shown';

create table if not exists booking_status_history (
  id bigint generated always as identity primary key,
  booking_id uuid not null references bookings on delete restrict,
  from_status booking_status,
  to_status booking_status not null,
  reason text,
  changed_by uuid references app_users on delete restrict,
  changed_at timestamptz not null default clock_timestamp()
);
comment on table booking_status_history is
  'Every change of a booking''s status, written by a trigger; append-only';
comment on column booking_status_history.changed_by is 'Null: the platform itself';

create table if not exists contracts (
  id uuid primary key default gen_random_uuid(),
  booking_id uuid not null references bookings on delete restrict,
  version integer not null default 1 check (version > 0),
  body text not null,
  body_sha256 sha256_digest not null
    generated always as (sha256(decode(replace(body, '\', '\\'), 'escape'))) stored,
  status contract_status not null default 'draft',
  customer_signed_by uuid references app_users on delete restrict,
  customer_signed_at timestamptz,
  celebrity_signed_by uuid references app_users on delete restrict,
  celebrity_signed_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  unique (booking_id, version),
  check ((customer_signed_by is null) = (customer_signed_at is null)),
  check ((celebrity_signed_by is null) = (celebrity_signed_at is null)),
  check (status <> 'signed'
         or (customer_signed_at is not null and celebrity_signed_at is not null))
);
comment on table contracts is 'The agreement of a booking: another text is another version';
comment on column contracts.customer_signed_by is
  'The customer, or who booked for the organisation';
comment on column contracts.celebrity_signed_by is
  'The celebrity, or a representative who may sign';
comment on column contracts.body_sha256 is
  'What was signed can be proven. (decode: convert_to is not immutable)';

create table if not exists rider_items (
  id uuid primary key default gen_random_uuid(),
  celebrity_id uuid not null references celebrities on delete cascade,
  booking_id uuid,
  kind rider_kind not null,
  requirement text not null check (length(btrim(requirement)) between 1 and 1000),
  is_mandatory boolean not null default true,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  foreign key (booking_id, celebrity_id)
    references bookings (id, celebrity_id) on delete restrict
);
comment on table rider_items is 'What a celebrity needs on site';
comment on column rider_items.booking_id is
  'Null: what they always ask for; else as agreed for that booking, copied when it is made';

-- Core business: money

create table if not exists invoices (
  id uuid primary key default gen_random_uuid(),
  number bigint not null generated always as identity unique,
  invoice_number text not null
    generated always as ('INV-' || lpad(number::text, 8, '0')) stored,
  booking_id uuid not null,
  kind invoice_kind not null,
  currency_code currency_code not null,
  amount_minor minor_units not null,
  paid_minor minor_units not null default 0,
  open_minor minor_units not null generated always as (amount_minor - paid_minor) stored,
  issued_on date not null default current_date,
  due_on date not null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  unique (booking_id, kind),
  unique (id, booking_id, currency_code),
  check (due_on >= issued_on),
  foreign key (booking_id, currency_code)
    references bookings (id, currency_code) on delete restrict
);
comment on table invoices is 'What a customer owes for a booking: a deposit, then the balance';
comment on column invoices.invoice_number is
  'Unique as number is. Not declared so: a generated column in a unique index makes updates take '
  'the stronger row lock, on which payments of one invoice would wait for each other in a circle';
comment on column invoices.paid_minor is 'Succeeded payments less refunds, kept by triggers';
comment on column invoices.open_minor is 'Never negative: more than what is owed is not accepted';

create table if not exists payments (
  id uuid primary key default gen_random_uuid(),
  invoice_id uuid not null,
  booking_id uuid not null,
  currency_code currency_code not null,
  payer_id uuid not null references app_users on delete restrict,
  method payment_method not null,
  provider text not null check (length(provider) between 1 and 40),
  provider_reference text not null check (length(provider_reference) between 1 and 200),
  amount_minor minor_units not null check (amount_minor > 0),
  refunded_minor minor_units not null default 0,
  status payment_status not null default 'pending',
  succeeded_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  unique (provider, provider_reference),
  unique (id, currency_code),
  check (refunded_minor <= amount_minor),
  check ((status = 'succeeded') = (succeeded_at is not null)),
  foreign key (invoice_id, booking_id, currency_code)
    references invoices (id, booking_id, currency_code) on delete restrict
);
comment on table payments is 'Attempts to pay an invoice, as the payment provider reports them';
comment on column payments.provider is 'The payment service, such as stripe';
comment on column payments.provider_reference is
  'The provider''s id: a report that comes twice is one payment';
comment on column payments.refunded_minor is
  'Sum of the refunds that did not fail, kept by a trigger';

create table if not exists refunds (
  id uuid primary key default gen_random_uuid(),
  payment_id uuid not null,
  currency_code currency_code not null,
  amount_minor minor_units not null check (amount_minor > 0),
  reason text not null check (length(reason) between 1 and 500),
  status payment_status not null default 'pending',
  requested_by uuid references app_users on delete restrict,
  provider_reference text unique,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  foreign key (payment_id, currency_code)
    references payments (id, currency_code) on delete restrict
);
comment on table refunds is
  'Money that goes back to a customer. Together never more than the payment, pending ones included';
comment on column refunds.requested_by is 'The member of staff; null: the platform itself';

create table if not exists commissions (
  id uuid primary key default gen_random_uuid(),
  booking_id uuid not null,
  currency_code currency_code not null,
  beneficiary beneficiary not null,
  celebrity_id uuid references celebrities on delete restrict,
  representative_id uuid references app_users on delete restrict,
  rate percentage not null,
  amount_minor minor_units not null,
  created_at timestamptz not null default now(),
  unique (id, currency_code),
  unique nulls not distinct (booking_id, beneficiary, representative_id),
  check ((beneficiary = 'representative') = (representative_id is not null)),
  check ((beneficiary = 'platform') = (celebrity_id is null)),
  foreign key (booking_id, currency_code)
    references bookings (id, currency_code) on delete restrict
);
comment on table commissions is
  'Who gets which part of a booking before tax. The parts sum up to the subtotal, to the cent';
comment on column commissions.celebrity_id is 'Whose booking it is; null for the platform''s part';

create table if not exists payouts (
  id uuid primary key default gen_random_uuid(),
  commission_id uuid not null unique,
  currency_code currency_code not null,
  amount_minor minor_units not null check (amount_minor > 0),
  due_on date not null,
  status payout_status not null default 'scheduled',
  provider_reference text unique,
  paid_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  check ((status = 'paid') = (paid_at is not null)),
  foreign key (commission_id, currency_code)
    references commissions (id, currency_code) on delete restrict
);
comment on table payouts is
  'Money that a celebrity or representative gets, scheduled when the booking is completed';
comment on column payouts.due_on is 'The first day it may be paid';

-- Core business: what customers think

create table if not exists reviews (
  id uuid primary key default gen_random_uuid(),
  booking_id uuid not null unique,
  celebrity_id uuid not null references celebrities on delete restrict,
  author_name text not null check (length(btrim(author_name)) between 1 and 80),
  rating smallint not null check (rating between 1 and 5),
  title text check (length(title) <= 120),
  body text check (length(body) <= 5000),
  response text check (length(response) <= 5000),
  status review_status not null default 'pending',
  published_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  check ((status = 'approved') = (published_at is not null)),
  foreign key (booking_id, celebrity_id)
    references bookings (id, celebrity_id) on delete restrict
);
comment on table reviews is
  'One for each completed booking, by its customer, public once staff approved it. Names no user: '
  'the author is the booking''s customer';
comment on column reviews.author_name is 'How the author wants to be named';
comment on column reviews.response is 'What the celebrity''s side answers in public';

create table if not exists favorites (
  user_id uuid not null default auth.uid() references app_users on delete cascade,
  celebrity_id uuid not null references celebrities on delete cascade,
  created_at timestamptz not null default now(),
  primary key (user_id, celebrity_id)
);
comment on table favorites is 'Celebrities that a user wants to find again';

-- Security and RBAC

create table if not exists roles (
  code text primary key check (code ~ '^[a-z_]+$'),
  name text not null unique,
  description text not null
);
comment on table roles is
  'Roles of staff. What customers and celebrities may do follows from what is theirs';

create table if not exists permissions (
  code text primary key check (code ~ '^[a-z_]+\.[a-z_]+$'),
  description text not null
);
comment on table permissions is 'What policies and functions ask for';

create table if not exists role_permissions (
  role_code text not null references roles on delete cascade,
  permission_code text not null references permissions on delete cascade,
  primary key (role_code, permission_code)
);
comment on table role_permissions is 'What a role may do';

create table if not exists user_roles (
  user_id uuid not null references app_users on delete cascade,
  role_code text not null references roles on delete restrict,
  granted_by uuid default auth.uid() references app_users on delete set null,
  granted_at timestamptz not null default now(),
  expires_at timestamptz check (expires_at > granted_at),
  primary key (user_id, role_code)
);
comment on table user_roles is
  'Who is staff. The first administrator is made with the service role';
comment on column user_roles.expires_at is 'From then on it counts for nothing; null: never';

create table if not exists api_keys (
  id uuid primary key default gen_random_uuid(),
  organization_id uuid not null references organizations on delete cascade,
  created_by uuid references app_users on delete set null,
  name text not null check (length(btrim(name)) between 1 and 80),
  prefix text not null unique check (prefix ~ '^[a-z0-9]{8,16}$'),
  key_hash sha256_digest not null unique,
  scopes text[] not null default '{}',
  last_used_at timestamptz,
  expires_at timestamptz,
  revoked_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
comment on table api_keys is 'Keys of organisations'' own systems. The key itself is not kept';
comment on column api_keys.scopes is 'What the key may do, as the edge functions check it';
comment on column api_keys.prefix is 'How the key begins, to tell keys apart';
comment on column api_keys.key_hash is 'SHA-256 of the key; only the service role reads it';

create table if not exists audit_log (
  id bigint generated always as identity primary key,
  occurred_at timestamptz not null default clock_timestamp(),
  actor_id uuid,
  actor_role text,
  table_name text not null,
  row_id text not null,
  action audit_action not null,
  old_values jsonb,
  new_values jsonb
);
comment on table audit_log is
  'Who changed what in the tables where it matters, written by triggers; append-only';
comment on column audit_log.actor_id is
  'The user; null: no user. No foreign key, as the log outlives accounts';
comment on column audit_log.actor_role is 'The role of the API call, or of the database session';
comment on column audit_log.row_id is 'The primary key, its columns separated by commas';
comment on column audit_log.old_values is 'The columns that changed, or all of a deleted row';

-- Communication

create table if not exists conversations (
  id uuid primary key default gen_random_uuid(),
  kind conversation_kind not null default 'support',
  customer_id uuid not null default auth.uid() references app_users on delete restrict,
  request_id uuid unique references booking_requests on delete cascade,
  organization_id uuid references organizations on delete restrict,
  celebrity_id uuid references celebrities on delete restrict,
  subject text not null check (length(btrim(subject)) between 1 and 200),
  last_message_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  check ((kind = 'booking') = (request_id is not null)),
  check ((kind = 'booking') = (celebrity_id is not null)),
  check (kind = 'booking' or organization_id is null)
);
comment on table conversations is
  'A chat between two sides: about a booking request (opened with it), or with support. Who is on '
  'a side follows from the organisation and the celebrity';
comment on column conversations.last_message_at is
  'For the order of the inbox, kept by a trigger';

create table if not exists messages (
  id bigint generated always as identity primary key,
  conversation_id uuid not null references conversations on delete cascade,
  sender_id uuid not null default auth.uid() references app_users on delete restrict,
  sender_side party_side not null,
  sender_name text not null,
  body text not null check (length(btrim(body)) between 1 and 10000),
  sent_at timestamptz not null default now(),
  read_at timestamptz
);
comment on table messages is 'What is said in conversations. Nobody edits what was said';
comment on column messages.sender_side is 'Set by a trigger from who the sender is';
comment on column messages.sender_name is
  'The sender''s name when it was sent: the other side cannot read accounts';
comment on column messages.read_at is 'When somebody of the other side first read it';

create table if not exists email_notifications (
  id bigint generated always as identity primary key,
  user_id uuid not null references app_users on delete cascade,
  recipient email_address not null,
  template text not null check (length(template) <= 80),
  subject text not null check (length(subject) <= 300),
  variables jsonb not null default '{}' check (jsonb_typeof(variables) = 'object'),
  booking_id uuid references bookings on delete restrict,
  status email_status not null default 'queued',
  attempts smallint not null default 0 check (attempts >= 0),
  send_after timestamptz not null default now(),
  sent_at timestamptz,
  error text,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
comment on table email_notifications is 'E-mails to users: the queue and what became of them';
comment on column email_notifications.recipient is 'The address at that time';
comment on column email_notifications.send_after is 'Not before; moved on after a failed attempt';
comment on column email_notifications.variables is 'What the template is filled with';

-- Analytics

create table if not exists metrics (
  code text primary key check (code ~ '^[a-z_]+$'),
  name text not null unique,
  description text not null,
  grain metric_grain not null
);
comment on table metrics is 'What is measured, and how it is to be read';
comment on column metrics.grain is 'Money is in minor units, a duration in seconds';

create table if not exists daily_metrics (
  id bigint generated always as identity primary key,
  metric_code text not null references metrics on delete restrict,
  day date not null,
  celebrity_id uuid references celebrities on delete cascade,
  organization_id uuid references organizations on delete cascade,
  currency_code currency_code references currencies on delete restrict,
  value numeric(20, 4) not null,
  computed_at timestamptz not null default now(),
  unique nulls not distinct (metric_code, day, celebrity_id, organization_id, currency_code),
  check (celebrity_id is null or organization_id is null)
);
comment on table daily_metrics is
  'One value a day: for a celebrity, an organisation, or (both null) the whole platform';

create table if not exists forecasts (
  id bigint generated always as identity primary key,
  metric_code text not null references metrics on delete restrict,
  celebrity_id uuid references celebrities on delete cascade,
  day date not null,
  model text not null check (length(model) between 1 and 80),
  value numeric(20, 4) not null,
  low numeric(20, 4) not null,
  high numeric(20, 4) not null,
  made_at timestamptz not null default now(),
  unique nulls not distinct (metric_code, celebrity_id, day, model),
  check (value between low and high)
);
comment on table forecasts is 'What a model expects a metric to be on a day';
comment on column forecasts.model is 'What made it, with its version';
comment on column forecasts.low is 'Lower bound of the 90 % interval';
comment on column forecasts.high is 'Upper bound of the 90 % interval';

create table if not exists analytics_events (
  id bigint generated always as identity primary key,
  user_id uuid default auth.uid() references app_users on delete cascade,
  name text not null check (name ~ '^[a-z_.]{1,80}$'),
  celebrity_id uuid references celebrities on delete cascade,
  properties jsonb not null default '{}'
    check (jsonb_typeof(properties) = 'object' and octet_length(properties::text) <= 8192),
  occurred_at timestamptz not null default now()
);
comment on table analytics_events is
  'What users do in the product, as the applications report it';
comment on column analytics_events.name is 'Such as profile.view';
comment on column analytics_events.user_id is 'Null: a visitor who is not signed in';

-- Specialised: settings, accounting, payouts

create table if not exists app_settings (
  key text primary key check (key ~ '^[a-z_]+$'),
  value jsonb not null,
  description text not null,
  is_public boolean not null default false,
  updated_at timestamptz not null default now()
);
comment on table app_settings is 'What the business decides and the platform applies';
comment on column app_settings.is_public is 'Whether every signed-in user may read it';

create table if not exists exchange_rates (
  base_code currency_code not null references currencies on delete restrict,
  quote_code currency_code not null references currencies on delete restrict,
  day date not null,
  rate numeric(20, 10) not null check (rate > 0),
  primary key (base_code, quote_code, day),
  check (base_code <> quote_code)
);
comment on table exchange_rates is 'For showing prices in another currency; never for charging';
comment on column exchange_rates.rate is 'How many units of quote one unit of base is';

create table if not exists ledger_entries (
  id bigint generated always as identity primary key,
  transaction_id uuid not null,
  account ledger_account not null,
  currency_code currency_code not null references currencies on delete restrict,
  amount_minor bigint not null
    check (amount_minor <> 0 and abs(amount_minor) <= 9007199254740991),
  booking_id uuid not null references bookings on delete restrict,
  payment_id uuid references payments on delete restrict,
  refund_id uuid references refunds on delete restrict,
  payout_id uuid references payouts on delete restrict,
  commission_id uuid references commissions on delete restrict,
  posted_at timestamptz not null default clock_timestamp()
);
comment on table ledger_entries is
  'The books, by double entry: the entries of a transaction sum up to zero in each currency. '
  'Written by triggers; append-only: mistakes are corrected by entries of the opposite sign';
comment on column ledger_entries.transaction_id is 'The entries that were made together';
comment on column ledger_entries.amount_minor is 'Positive: debit. Negative: credit';

create table if not exists payout_accounts (
  id uuid primary key default gen_random_uuid(),
  user_id uuid not null references app_users on delete restrict,
  provider text not null check (length(provider) between 1 and 40),
  provider_reference text not null check (length(provider_reference) between 1 and 200),
  currency_code currency_code not null references currencies on delete restrict,
  country_code country_code not null references countries on delete restrict,
  label text not null check (length(label) <= 80),
  is_default boolean not null default false,
  verified_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  unique (provider, provider_reference)
);
comment on table payout_accounts is
  'Where a celebrity or representative is paid. Account numbers stay with the payment provider';
comment on column payout_accounts.label is 'What the user recognises it by, such as "… 4242"';

-- Specialised: crypto payments

create table if not exists crypto_wallets (
  id uuid primary key default gen_random_uuid(),
  user_id uuid not null default auth.uid() references app_users on delete restrict,
  network crypto_network not null,
  address text not null check (address ~ '^[A-Za-z0-9]{26,90}$'),
  label text check (length(label) <= 80),
  verified_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  unique (network, address),
  unique (id, network)
);
comment on table crypto_wallets is 'Wallets that customers pay from';
comment on column crypto_wallets.verified_at is
  'When the user proved by a signature that it is theirs';

create table if not exists crypto_payments (
  payment_id uuid primary key references payments on delete restrict,
  wallet_id uuid,
  network crypto_network not null,
  asset text not null check (asset ~ '^[A-Z0-9]{2,12}$'),
  deposit_address text not null check (deposit_address ~ '^[A-Za-z0-9]{26,90}$'),
  amount_expected numeric(38, 18) not null check (amount_expected > 0),
  amount_received numeric(38, 18) not null default 0 check (amount_received >= 0),
  transaction_hash text check (length(transaction_hash) between 40 and 100),
  confirmations integer not null default 0 check (confirmations >= 0),
  quote_expires_at timestamptz not null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  unique (network, transaction_hash),
  foreign key (wallet_id, network) references crypto_wallets (id, network) on delete restrict
);
comment on table crypto_payments is 'The chain''s side of a payment whose method is crypto';
comment on column crypto_payments.asset is 'The coin, such as USDC';
comment on column crypto_payments.deposit_address is 'Made for this payment';
comment on column crypto_payments.amount_expected is
  'In units of the asset: coins have up to 18 decimals';
comment on column crypto_payments.quote_expires_at is
  'Until when the amount stands for the price';

-- Specialised: calendars

create table if not exists calendar_connections (
  id uuid primary key default gen_random_uuid(),
  user_id uuid not null references app_users on delete cascade,
  celebrity_id uuid references celebrities on delete cascade,
  provider calendar_provider not null,
  external_account text not null check (length(external_account) between 1 and 254),
  credential_id uuid,
  sync_enabled boolean not null default true,
  last_synced_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  unique (user_id, provider, external_account),
  unique (id, celebrity_id)
);
comment on table calendar_connections is 'Calendars elsewhere that are kept in step';
comment on column calendar_connections.celebrity_id is
  'Whose appointments they are; null: the user''s own';
comment on column calendar_connections.credential_id is
  'The secret in the vault; the token itself is not in this table';

create table if not exists calendar_events (
  id uuid primary key default gen_random_uuid(),
  connection_id uuid not null references calendar_connections on delete cascade,
  booking_id uuid references bookings on delete restrict,
  external_id text not null check (length(external_id) between 1 and 1024),
  title text check (length(title) <= 300),
  starts_at timestamptz not null,
  ends_at timestamptz not null,
  is_busy boolean not null default true,
  synced_at timestamptz not null default now(),
  unique (connection_id, external_id),
  check (ends_at >= starts_at)
);
comment on table calendar_events is
  'Appointments of connected calendars, and bookings put into them';

-- Specialised: fraud detection

create table if not exists fraud_rules (
  id uuid primary key default gen_random_uuid(),
  code text not null unique check (code ~ '^[a-z_]+$'),
  description text not null,
  condition jsonb not null check (jsonb_typeof(condition) = 'object'),
  severity fraud_severity not null,
  weight smallint not null check (weight between 1 and 100),
  is_active boolean not null default true,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
comment on table fraud_rules is 'What looks suspicious';
comment on column fraud_rules.condition is 'What the detection service looks for';
comment on column fraud_rules.weight is 'What a hit adds to the score';

create table if not exists fraud_cases (
  id uuid primary key default gen_random_uuid(),
  user_id uuid not null references app_users on delete restrict,
  status fraud_case_status not null default 'open',
  assigned_to uuid references app_users on delete set null,
  conclusion text check (length(conclusion) <= 5000),
  closed_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  check ((status in ('confirmed', 'dismissed')) = (closed_at is not null))
);
comment on table fraud_cases is 'Suspicions that staff look into';
comment on column fraud_cases.user_id is 'Who is suspected; they cannot see it';

create table if not exists fraud_signals (
  id bigint generated always as identity primary key,
  rule_id uuid not null references fraud_rules on delete restrict,
  case_id uuid references fraud_cases on delete set null,
  user_id uuid not null references app_users on delete restrict,
  booking_id uuid references bookings on delete restrict,
  payment_id uuid references payments on delete restrict,
  score smallint not null check (score between 1 and 100),
  evidence jsonb not null default '{}',
  raised_at timestamptz not null default now()
);
comment on table fraud_signals is 'A rule was hit';
comment on column fraud_signals.score is 'The rule''s weight at that time';

-- Specialised: files

create table if not exists files (
  id uuid primary key default gen_random_uuid(),
  owner_id uuid not null default auth.uid() references app_users on delete restrict,
  bucket text not null check (length(bucket) between 1 and 100),
  path text not null check (length(path) between 1 and 1024),
  name text not null check (length(name) between 1 and 255),
  media_type text not null check (media_type ~ '^[a-z]+/[a-z0-9.+-]+$'),
  size_bytes bigint not null check (size_bytes between 0 and 5368709120),
  sha256 sha256_digest,
  created_at timestamptz not null default now(),
  unique (bucket, path)
);
comment on table files is 'Files in Storage, and whose they are';
comment on column files.sha256 is 'Of the content, once the file was scanned';
comment on column files.bucket is
  'The Storage bucket; the path in it begins with the owner''s id';

create table if not exists attachments (
  id uuid primary key default gen_random_uuid(),
  file_id uuid not null references files on delete restrict,
  message_id bigint references messages on delete cascade,
  event_id uuid references events on delete cascade,
  contract_id uuid references contracts on delete restrict,
  created_at timestamptz not null default now(),
  check (num_nonnulls(message_id, event_id, contract_id) = 1),
  unique nulls not distinct (file_id, message_id, event_id, contract_id)
);
comment on table attachments is
  'Puts a file to a message, an event or a contract: whoever reads that may read the file';

-- Specialised: webhooks

create table if not exists webhook_endpoints (
  id uuid primary key default gen_random_uuid(),
  organization_id uuid not null references organizations on delete cascade,
  url https_url not null,
  topics text[] not null check (cardinality(topics) between 1 and 50),
  secret_id uuid,
  is_active boolean not null default true,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  unique (organization_id, url)
);
comment on table webhook_endpoints is 'Where an organisation wants to be told of what happens';
comment on column webhook_endpoints.topics is 'What it wants to hear of, such as booking.confirmed';
comment on column webhook_endpoints.secret_id is 'The signing secret in the vault';

create table if not exists webhook_deliveries (
  id bigint generated always as identity primary key,
  endpoint_id uuid not null references webhook_endpoints on delete cascade,
  topic text not null,
  payload jsonb not null,
  status delivery_status not null default 'pending',
  attempts smallint not null default 0 check (attempts >= 0),
  next_attempt_at timestamptz not null default now(),
  response_status smallint check (response_status between 100 and 599),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
comment on table webhook_deliveries is 'What was sent to endpoints, and is to be sent';
comment on column webhook_deliveries.next_attempt_at is 'Put off longer after each failed attempt';

-- Indexes of foreign keys. Where the key's columns begin a primary key or a unique constraint,
-- or an index of the next section, that one serves.

create index if not exists user_profiles_country_idx on user_profiles (country_code);
create index if not exists organizations_country_idx on organizations (country_code);
create index if not exists organizations_currency_idx on organizations (currency_code);
create index if not exists organizations_created_by_idx on organizations (created_by);
create index if not exists organization_members_user_idx on organization_members (user_id);
create index if not exists organization_members_invited_by_idx
  on organization_members (invited_by);
create index if not exists categories_parent_idx on categories (parent_id);
create index if not exists celebrities_country_idx on celebrities (country_code);
create index if not exists celebrity_representatives_user_idx
  on celebrity_representatives (user_id);
create index if not exists celebrity_representatives_organization_idx
  on celebrity_representatives (organization_id);
create index if not exists celebrity_rates_currency_idx on celebrity_rates (currency_code);
create index if not exists celebrity_rates_service_idx on celebrity_rates (service_type_id);
create index if not exists venues_organization_idx on venues (organization_id);
create index if not exists venues_created_by_idx on venues (created_by);
create index if not exists venues_country_city_idx on venues (country_code, city);
create index if not exists events_organizer_idx on events (organizer_id);
create index if not exists events_organization_idx on events (organization_id);
create index if not exists events_venue_idx on events (venue_id);
create index if not exists booking_requests_customer_idx on booking_requests (customer_id);
create index if not exists booking_requests_organization_idx
  on booking_requests (organization_id);
create index if not exists booking_requests_celebrity_idx on booking_requests (celebrity_id);
create index if not exists booking_requests_service_idx on booking_requests (service_type_id);
create index if not exists booking_requests_event_idx on booking_requests (event_id);
create index if not exists booking_requests_currency_idx on booking_requests (currency_code);
create index if not exists booking_offers_request_idx
  on booking_offers (request_id, currency_code);
create index if not exists booking_offers_made_by_idx on booking_offers (made_by);
create index if not exists bookings_organization_idx on bookings (organization_id);
create index if not exists bookings_service_idx on bookings (service_type_id);
create index if not exists bookings_event_idx on bookings (event_id);
create index if not exists bookings_currency_idx on bookings (currency_code);
create index if not exists booking_items_booking_idx on booking_items (booking_id);
create index if not exists booking_status_history_booking_idx
  on booking_status_history (booking_id, id);
create index if not exists booking_status_history_changed_by_idx
  on booking_status_history (changed_by);
create index if not exists contracts_customer_signed_by_idx on contracts (customer_signed_by);
create index if not exists contracts_celebrity_signed_by_idx on contracts (celebrity_signed_by);
create index if not exists rider_items_celebrity_idx on rider_items (celebrity_id);
create index if not exists rider_items_booking_idx on rider_items (booking_id, celebrity_id);
create index if not exists invoices_booking_idx on invoices (booking_id, currency_code);
create index if not exists payments_invoice_idx
  on payments (invoice_id, booking_id, currency_code);
create index if not exists payments_payer_idx on payments (payer_id);
create index if not exists refunds_payment_idx on refunds (payment_id, currency_code);
create index if not exists refunds_requested_by_idx on refunds (requested_by);
create index if not exists commissions_booking_idx on commissions (booking_id, currency_code);
create index if not exists commissions_celebrity_idx on commissions (celebrity_id);
create index if not exists commissions_representative_idx on commissions (representative_id);
create index if not exists payouts_commission_idx on payouts (commission_id, currency_code);
create index if not exists reviews_booking_idx on reviews (booking_id, celebrity_id);
create index if not exists favorites_celebrity_idx on favorites (celebrity_id);
create index if not exists role_permissions_permission_idx on role_permissions (permission_code);
create index if not exists user_roles_role_idx on user_roles (role_code);
create index if not exists user_roles_granted_by_idx on user_roles (granted_by);
create index if not exists api_keys_organization_idx on api_keys (organization_id);
create index if not exists api_keys_created_by_idx on api_keys (created_by);
create index if not exists email_notifications_user_idx on email_notifications (user_id, id desc);
create index if not exists email_notifications_booking_idx on email_notifications (booking_id);
create index if not exists daily_metrics_organization_idx on daily_metrics (organization_id, day);
create index if not exists daily_metrics_celebrity_idx on daily_metrics (celebrity_id, day);
create index if not exists daily_metrics_currency_idx on daily_metrics (currency_code);
create index if not exists forecasts_celebrity_idx on forecasts (celebrity_id, day);
create index if not exists analytics_events_user_idx on analytics_events (user_id);
create index if not exists analytics_events_celebrity_idx
  on analytics_events (celebrity_id, occurred_at);
create index if not exists exchange_rates_quote_idx on exchange_rates (quote_code);
create index if not exists ledger_entries_transaction_idx on ledger_entries (transaction_id);
create index if not exists ledger_entries_booking_idx on ledger_entries (booking_id);
create index if not exists ledger_entries_payment_idx on ledger_entries (payment_id);
create index if not exists ledger_entries_refund_idx on ledger_entries (refund_id);
create index if not exists ledger_entries_payout_idx on ledger_entries (payout_id);
create index if not exists ledger_entries_commission_idx on ledger_entries (commission_id);
create index if not exists ledger_entries_currency_idx on ledger_entries (currency_code);
create index if not exists payout_accounts_user_idx on payout_accounts (user_id);
create index if not exists payout_accounts_currency_idx on payout_accounts (currency_code);
create index if not exists payout_accounts_country_idx on payout_accounts (country_code);
create index if not exists crypto_wallets_user_idx on crypto_wallets (user_id);
create index if not exists crypto_payments_wallet_idx on crypto_payments (wallet_id, network);
create index if not exists calendar_connections_celebrity_idx
  on calendar_connections (celebrity_id);
create index if not exists calendar_events_booking_idx on calendar_events (booking_id);
create index if not exists fraud_cases_user_idx on fraud_cases (user_id);
create index if not exists fraud_cases_assigned_to_idx on fraud_cases (assigned_to);
create index if not exists fraud_signals_rule_idx on fraud_signals (rule_id);
create index if not exists fraud_signals_case_idx on fraud_signals (case_id);
create index if not exists fraud_signals_user_idx on fraud_signals (user_id, raised_at);
create index if not exists fraud_signals_booking_idx on fraud_signals (booking_id);
create index if not exists fraud_signals_payment_idx on fraud_signals (payment_id);
create index if not exists files_owner_idx on files (owner_id);
create index if not exists attachments_message_idx on attachments (message_id);
create index if not exists attachments_event_idx on attachments (event_id);
create index if not exists attachments_contract_idx on attachments (contract_id);
create index if not exists webhook_deliveries_endpoint_idx
  on webhook_deliveries (endpoint_id, id desc);

-- Indexes of what the product asks for.

-- Search: celebrities of a category, with a service for a price.
create index if not exists celebrity_categories_category_idx
  on celebrity_categories (category_id, celebrity_id);
create index if not exists celebrity_rates_price_idx
  on celebrity_rates (service_type_id, currency_code, amount_minor) include (celebrity_id)
  where is_active;
create index if not exists celebrities_name_idx
  on celebrities (sort_name) where status = 'active';

-- A profile: one primary category, media in order, reviews newest first.
create unique index if not exists celebrity_categories_primary_idx
  on celebrity_categories (celebrity_id) where is_primary;
create index if not exists celebrity_media_celebrity_idx
  on celebrity_media (celebrity_id, position);
create index if not exists reviews_published_idx
  on reviews (celebrity_id, published_at desc) include (rating) where status = 'approved';
create index if not exists reviews_celebrity_idx on reviews (celebrity_id);
create index if not exists reviews_to_moderate_idx
  on reviews (created_at) where status = 'pending';

-- A celebrity is one person.
create unique index if not exists celebrity_representatives_self_idx
  on celebrity_representatives (celebrity_id) where kind = 'self';

-- The calendar of a celebrity.
create index if not exists bookings_celebrity_calendar_idx
  on bookings (celebrity_id, starts_at) include (ends_at, status);
create index if not exists availability_blocks_calendar_idx
  on availability_blocks (celebrity_id, starts_at);
create index if not exists calendar_events_connection_idx
  on calendar_events (connection_id, starts_at);

-- Open bookings of an organisation, and of a person.
create index if not exists bookings_organization_open_idx
  on bookings (organization_id, starts_at) where status in ('pending', 'confirmed', 'in_progress');
create index if not exists bookings_customer_idx on bookings (customer_id, starts_at);

-- What a celebrity's side has to answer.
create index if not exists booking_requests_open_idx
  on booking_requests (celebrity_id, created_at) where status in ('open', 'negotiating');
create unique index if not exists booking_offers_open_idx
  on booking_offers (request_id) where status = 'open';

-- The inbox, a chat, unread messages.
create index if not exists conversations_customer_idx
  on conversations (customer_id, last_message_at desc);
create index if not exists conversations_organization_idx
  on conversations (organization_id, last_message_at desc);
create index if not exists conversations_celebrity_idx
  on conversations (celebrity_id, last_message_at desc);
create index if not exists messages_conversation_idx on messages (conversation_id, id);
create index if not exists messages_unread_idx
  on messages (conversation_id, sender_side) where read_at is null;
create index if not exists messages_sender_idx on messages (sender_id);

-- Work of the back office and of scheduled jobs.
create index if not exists payouts_due_idx
  on payouts (due_on) include (amount_minor, currency_code) where status = 'scheduled';
create index if not exists invoices_open_idx on invoices (due_on) where paid_minor < amount_minor;
create unique index if not exists payout_accounts_default_idx
  on payout_accounts (user_id, currency_code) where is_default;
create index if not exists email_notifications_queue_idx
  on email_notifications (send_after) where status = 'queued';
create index if not exists webhook_deliveries_queue_idx
  on webhook_deliveries (next_attempt_at) where status = 'pending';
create index if not exists fraud_cases_open_idx
  on fraud_cases (created_at) where status in ('open', 'investigating');
create index if not exists audit_log_row_idx on audit_log (table_name, row_id, id);
create index if not exists audit_log_actor_idx on audit_log (actor_id, id);
create index if not exists analytics_events_name_idx on analytics_events (name, occurred_at);

-- Who is asking. These functions read past row level security, so that policies can call them
-- without asking policies again. `rows 10`: with the default of 1000 plans would read whole tables.

create or replace function app_private.is_locked_out() returns boolean
language sql stable security definer
set search_path = ''
as $$
  select exists (
    select from public.app_users where id = auth.uid() and status <> 'active')
$$;
comment on function app_private.is_locked_out() is
  'Whether the caller''s account is suspended or closed';

create or replace function app_private.has_permission(permission text) returns boolean
language sql stable security definer
set search_path = ''
as $$
  select exists (
    select
      from public.user_roles granted
      join public.role_permissions allowed using (role_code)
     where granted.user_id = auth.uid()
       and allowed.permission_code = permission
       and (granted.expires_at is null or granted.expires_at > now()))
$$;
comment on function app_private.has_permission(text) is 'Whether the caller is staff who may do it';

create or replace function app_private.my_organization_ids(
  roles public.organization_role[] default '{owner,admin,booker,viewer}'
) returns setof uuid
language sql stable security definer rows 10
set search_path = ''
as $$
  select organization_id
    from public.organization_members
   where user_id = auth.uid() and status = 'active' and role = any (roles)
$$;
comment on function app_private.my_organization_ids(public.organization_role[]) is
  'The organisations that the caller is a member of, with one of the roles';

create or replace function app_private.my_fellow_member_ids() returns setof uuid
language sql stable security definer rows 10
set search_path = ''
as $$
  select user_id
    from public.organization_members
   where organization_id in (select app_private.my_organization_ids()) and status = 'active'
$$;
comment on function app_private.my_fellow_member_ids() is
  'The members of the caller''s organisations. Not who is merely invited: anybody can be';

create or replace function app_private.has_members(organization uuid) returns boolean
language sql stable security definer
set search_path = ''
as $$
  select exists (select from public.organization_members where organization_id = organization)
$$;
comment on function app_private.has_members(uuid) is
  'False while the statement runs that founds the organisation';

create or replace function app_private.may_manage_member(
  organization uuid, member_role public.organization_role
) returns boolean
language sql stable security definer
set search_path = ''
as $$
  select exists (
    select
      from public.organization_members me
     where me.organization_id = organization
       and me.user_id = auth.uid()
       and me.status = 'active'
       and (me.role = 'owner' or (me.role = 'admin' and member_role in ('booker', 'viewer'))))
$$;
comment on function app_private.may_manage_member(uuid, public.organization_role) is
  'Whether the caller may make, change or end a membership with this role';

create or replace function app_private.my_celebrity_ids(needed text default null)
returns setof uuid
language sql stable security definer rows 10
set search_path = ''
as $$
  select celebrity_id
    from public.celebrity_representatives
   where user_id = auth.uid()
     and status = 'active'
     and (ends_on is null or ends_on > current_date)
     and case needed
           when 'edit' then can_edit_profile
           when 'negotiate' then can_negotiate
           when 'sign' then can_sign
           when 'finances' then can_see_finances
           when 'self' then kind = 'self'
           else needed is null
         end
$$;
comment on function app_private.my_celebrity_ids(text) is
  'The celebrities that the caller is or represents, with a right: edit, negotiate, sign, '
  'finances, self; null: any';

create or replace function app_private.my_event_ids() returns setof uuid
language sql stable security definer rows 10
set search_path = ''
as $$
  select event_id
    from public.booking_requests
   where celebrity_id in (select app_private.my_celebrity_ids()) and event_id is not null
$$;
comment on function app_private.my_event_ids() is
  'The events that the celebrities of the caller are asked for';

create or replace function app_private.my_venue_ids() returns setof uuid
language sql stable security definer rows 10
set search_path = ''
as $$
  select venue_id
    from public.events
   where id in (select app_private.my_event_ids()) and venue_id is not null
$$;
comment on function app_private.my_venue_ids() is
  'The venues of the events that the celebrities of the caller are asked for';

create or replace function app_private.my_conversation_ids() returns setof uuid
language sql stable security definer rows 10
set search_path = ''
as $$
  select id from public.conversations where customer_id = auth.uid()
  union
  select id from public.conversations
   where organization_id in (select app_private.my_organization_ids('{owner,admin,booker}'))
  union
  select id from public.conversations
   where celebrity_id in (select app_private.my_celebrity_ids('negotiate'))
$$;
comment on function app_private.my_conversation_ids() is
  'The conversations that the caller takes part in';

create or replace function app_private.request_side(request uuid) returns public.party_side
language sql stable security definer
set search_path = ''
as $$
  select case
           when celebrity_id in (select app_private.my_celebrity_ids('negotiate'))
             then 'celebrity'::public.party_side
           when customer_id = auth.uid()
             or organization_id in (select app_private.my_organization_ids('{owner,admin,booker}'))
             then 'customer'
         end
    from public.booking_requests
   where id = request
$$;
comment on function app_private.request_side(uuid) is
  'The side of a request that the caller may negotiate for; null: neither';

create or replace function app_private.booking_side(booking uuid) returns public.party_side
language sql stable security definer
set search_path = ''
as $$
  select case
           when celebrity_id in (select app_private.my_celebrity_ids('negotiate'))
             then 'celebrity'::public.party_side
           when customer_id = auth.uid()
             or organization_id in (select app_private.my_organization_ids('{owner,admin,booker}'))
             then 'customer'
           when app_private.has_permission('bookings.manage') then 'platform'
         end
    from public.bookings
   where id = booking
$$;
comment on function app_private.booking_side(uuid) is
  'The side of a booking that the caller may act for; null: none';

create or replace function app_private.message_side(conversation uuid) returns public.party_side
language sql stable security definer
set search_path = ''
as $$
  select case
           when celebrity_id in (select app_private.my_celebrity_ids('negotiate'))
             then 'celebrity'::public.party_side
           when customer_id = auth.uid()
             or organization_id in (select app_private.my_organization_ids('{owner,admin,booker}'))
             then 'customer'
           when kind = 'support' and app_private.has_permission('messages.support')
             then 'platform'
         end
    from public.conversations
   where id = conversation
$$;
comment on function app_private.message_side(uuid) is
  'The side that the caller writes for in a conversation; null: they have no part in it';

create or replace function app_private.may_review(booking uuid, celebrity uuid) returns boolean
language sql stable security definer
set search_path = ''
as $$
  select exists (
    select
      from public.bookings
     where id = booking and celebrity_id = celebrity
       and customer_id = auth.uid() and status = 'completed')
$$;
comment on function app_private.may_review(uuid, uuid) is
  'Whether the caller is the customer of this booking and it is completed';

create or replace function app_private.owns_file(file uuid) returns boolean
language sql stable security definer
set search_path = ''
as $$
  select exists (select from public.files where id = file and owner_id = auth.uid())
$$;
comment on function app_private.owns_file(uuid) is
  'For policies of attachments, which those of files ask about';

-- Money

create or replace function app_private.split_minor(total bigint, weights numeric[])
returns bigint[]
language plpgsql immutable
set search_path = ''
as $$
declare
  whole numeric := (select sum(weight) from unnest(weights) as given (weight));
  parts bigint[];
begin
  if total < 0 or whole is null or whole <= 0
     or exists (select from unnest(weights) as given (weight) where weight is null or weight < 0)
  then
    raise exception 'Cannot split % by %', total, weights using errcode = '22023';
  end if;
  -- Everyone gets their part rounded down; the cents left over, fewer than there are parts, go
  -- to those who lost most by it.
  select array_agg(down + case when rank <= total - all_down then 1 else 0 end order by position)
    into parts
    from (
      select position, down, sum(down) over () as all_down,
             row_number() over (order by exact - down desc, position) as rank
        from (
          select position, total * weight / whole as exact,
                 div(total * weight, whole)::bigint as down
            from unnest(weights) with ordinality as given (weight, position)
        ) as divided
    ) as ranked;
  return parts;
end
$$;
comment on function app_private.split_minor(bigint, numeric[]) is
  'Splits an amount by weights so that the parts sum up to it (largest remainder)';

create or replace function app_private.setting(name text) returns numeric
language sql stable security definer
set search_path = ''
as $$
  select (value #>> '{}')::numeric from public.app_settings where key = name
$$;
comment on function app_private.setting(text) is 'A setting that is a number';

create or replace function app_private.tax_rate(country text, day date) returns numeric
language sql stable security definer
set search_path = ''
as $$
  select coalesce((
    select rate
      from public.tax_rates
     where country_code = country and region = ''
       and valid_from <= day and (valid_until is null or valid_until > day)), 0)
$$;
comment on function app_private.tax_rate(text, date) is
  'The tax of a country on a day; 0 where none is on record';

-- Triggers of many tables

create or replace function app_private.touch_updated_at() returns trigger
language plpgsql
set search_path = ''
as $$
begin
  new.updated_at := now();
  return new;
end
$$;
comment on function app_private.touch_updated_at() is 'Sets updated_at on every update';

create or replace function app_private.refuse_change() returns trigger
language plpgsql
set search_path = ''
as $$
begin
  raise exception 'The table % is append-only', tg_table_name using errcode = '42501';
end
$$;
comment on function app_private.refuse_change() is 'Keeps append-only tables as they are';

create or replace function app_private.write_audit_log() returns trigger
language plpgsql security definer
set search_path = ''
as $$
declare
  before jsonb := case when tg_op <> 'INSERT' then to_jsonb(old) end;
  after jsonb := case when tg_op <> 'DELETE' then to_jsonb(new) end;
  known jsonb := coalesce(after, before);
  noise text[] := '{updated_at,key_hash,during,last_used_at}';
begin
  if tg_op = 'UPDATE' then
    select jsonb_object_agg(key, before -> key), jsonb_object_agg(key, value)
      into before, after
      from jsonb_each(after)
     where value is distinct from before -> key and key <> all (noise);
    if after is null then
      return null;
    end if;
  end if;
  insert into public.audit_log
    (actor_id, actor_role, table_name, row_id, action, old_values, new_values)
  select auth.uid(), coalesce(auth.role(), session_user), tg_table_name,
         (select string_agg(known ->> column_name, ',' order by position)
            from unnest(tg_argv) with ordinality as key_columns (column_name, position)),
         lower(tg_op)::public.audit_action, before - noise, after - noise;
  return null;
end
$$;
comment on function app_private.write_audit_log() is
  'Writes a change to the audit log; its arguments are the columns of the primary key';

-- Triggers of organisations and representation

create or replace function app_private.add_first_owner() returns trigger
language plpgsql security definer
set search_path = ''
as $$
begin
  if new.created_by is not null then
    insert into public.organization_members
      (organization_id, user_id, role, status, invited_by, joined_at)
    values (new.id, new.created_by, 'owner', 'active', new.created_by, now());
  end if;
  return null;
end
$$;
comment on function app_private.add_first_owner() is 'Who founds an organisation owns it';

create or replace function app_private.keep_an_owner() returns trigger
language plpgsql security definer
set search_path = ''
as $$
begin
  if old.role <> 'owner' or old.status <> 'active' then
    return null;
  end if;
  -- Two owners who leave at the same time wait for each other here. Where the organisation
  -- itself is deleted, nothing is found.
  perform from public.organizations where id = old.organization_id for no key update;
  if found and not exists (
    select
      from public.organization_members
     where organization_id = old.organization_id and role = 'owner' and status = 'active')
  then
    raise exception 'An organisation needs an owner' using errcode = '23514';
  end if;
  return null;
end
$$;
comment on function app_private.keep_an_owner() is 'Refuses to let the last owner go';

create or replace function app_private.end_verification() returns trigger
language plpgsql security definer
set search_path = ''
as $$
begin
  if auth.uid() is not null and not app_private.has_permission('organizations.manage') then
    new.verified_at := null;
  end if;
  return new;
end
$$;
comment on function app_private.end_verification() is
  'Staff verified an organisation by its name: with another it is to be verified again';

create or replace function app_private.keep_verified_name() returns trigger
language plpgsql security definer
set search_path = ''
as $$
begin
  if old.verified_at is not null and auth.uid() is not null
     and not app_private.has_permission('celebrities.manage')
  then
    raise exception 'Staff change the name of a verified profile' using errcode = '42501';
  end if;
  return new;
end
$$;
comment on function app_private.keep_verified_name() is
  'Nobody becomes somebody else after the check';

create or replace function app_private.keep_self() returns trigger
language plpgsql security definer
set search_path = ''
as $$
begin
  if exists (select from public.bookings where celebrity_id = old.celebrity_id) then
    raise exception 'A celebrity with bookings keeps their account' using errcode = '23503';
  end if;
  return old;
end
$$;
comment on function app_private.keep_self() is
  'What on delete restrict would do, which an invitation could abuse to keep anybody''s account';

create or replace function app_private.limit_commissions() returns trigger
language plpgsql security definer
set search_path = ''
as $$
begin
  perform from public.celebrities where id = new.celebrity_id for no key update;
  if app_private.setting('platform_commission_percent') + new.commission_rate + (
       select coalesce(sum(commission_rate), 0)
         from public.celebrity_representatives
        where celebrity_id = new.celebrity_id and user_id <> new.user_id and status <> 'ended')
     > 100
  then
    raise exception 'The commissions would be more than a booking brings' using errcode = '23514';
  end if;
  return new;
end
$$;
comment on function app_private.limit_commissions() is
  'Representatives and the platform together get no more than everything';

-- Triggers of calendars and bookings

create or replace function app_private.keep_time_free() returns trigger
language plpgsql security definer
set search_path = ''
as $$
declare
  taken tstzrange := tstzrange(new.starts_at, new.ends_at, '[)'); -- new.during is not there yet
begin
  -- Bookings and blocks of one celebrity are written one after the other: each sees the others.
  -- Before the row is there, or two rows that exclude each other would wait for each other.
  perform from public.celebrities where id = new.celebrity_id for no key update;
  if tg_table_name = 'bookings' then
    if new.status <> 'cancelled' and exists (
      select
        from public.availability_blocks
       where celebrity_id = new.celebrity_id and kind <> 'tentative' and during && taken)
    then
      raise exception 'The celebrity is not available at that time' using errcode = '23P01';
    end if;
  elsif new.kind <> 'tentative' and exists (
    select
      from public.bookings
     where celebrity_id = new.celebrity_id and status <> 'cancelled' and during && taken)
  then
    raise exception 'The celebrity is booked at that time' using errcode = '23P01';
  end if;
  return new;
end
$$;
comment on function app_private.keep_time_free() is
  'What the exclusion constraints do within bookings and within blocks, between the two';

create or replace function app_private.check_booking_change() returns trigger
language plpgsql
set search_path = ''
as $$
begin
  if new.status is distinct from old.status
     and (old.status, new.status) not in (
       ('pending', 'confirmed'), ('pending', 'cancelled'),
       ('confirmed', 'in_progress'), ('confirmed', 'cancelled'),
       ('in_progress', 'completed'), ('in_progress', 'disputed'),
       ('disputed', 'completed'), ('disputed', 'cancelled'))
  then
    raise exception 'A booking cannot go from % to %', old.status, new.status
      using errcode = '23514';
  end if;
  if old.status <> 'pending'
     and (new.subtotal_minor, new.tax_minor, new.currency_code, new.customer_id, new.celebrity_id)
       is distinct from
         (old.subtotal_minor, old.tax_minor, old.currency_code, old.customer_id, old.celebrity_id)
  then
    raise exception 'A booking''s parties and amounts are fixed once it is confirmed'
      using errcode = '23514';
  end if;
  return new;
end
$$;
comment on function app_private.check_booking_change() is
  'The life of a booking: completed and cancelled are its ends';

create or replace function app_private.log_booking_status() returns trigger
language plpgsql security definer
set search_path = ''
as $$
begin
  insert into public.booking_status_history
    (booking_id, from_status, to_status, reason, changed_by)
  values (new.id, case when tg_op = 'UPDATE' then old.status end, new.status, new.status_reason,
          (select id from public.app_users where id = auth.uid()));
  return null;
end
$$;
comment on function app_private.log_booking_status() is 'Keeps the history of a booking''s status';

create or replace function app_private.freeze_booking_items() returns trigger
language plpgsql security definer
set search_path = ''
as $$
declare
  booking uuid;
begin
  for booking in
    select distinct id
      from unnest(array[
        case when tg_op <> 'INSERT' then old.booking_id end,
        case when tg_op <> 'DELETE' then new.booking_id end]) as touched (id)
     where id is not null
     order by id
  loop
    perform from public.bookings where id = booking and status = 'pending' for no key update;
    if not found then
      raise exception 'The items of a booking are fixed once it is confirmed'
        using errcode = '23514';
    end if;
  end loop;
  return coalesce(new, old);
end
$$;
comment on function app_private.freeze_booking_items() is
  'Locks the booking, so that its sums are right, and refuses changes after confirmation';

create or replace function app_private.sum_booking_items() returns trigger
language plpgsql security definer
set search_path = ''
as $$
begin
  update public.bookings b
     set subtotal_minor = (
           select coalesce(sum(net_minor), 0) from public.booking_items where booking_id = b.id),
         tax_minor = (
           select coalesce(sum(tax_minor), 0) from public.booking_items where booking_id = b.id)
   where b.id in (case when tg_op <> 'INSERT' then old.booking_id end,
                  case when tg_op <> 'DELETE' then new.booking_id end);
  return null;
end
$$;
comment on function app_private.sum_booking_items() is 'Keeps the sums of a booking';

create or replace function app_private.settle_booking() returns trigger
language plpgsql security definer
set search_path = ''
as $$
declare
  posting uuid := gen_random_uuid();
begin
  insert into public.ledger_entries
    (transaction_id, account, currency_code, amount_minor, booking_id, commission_id)
  select posting, entry.account, new.currency_code, entry.amount, new.id, entry.commission_id
    from (
      select 'customer_funds'::public.ledger_account, new.total_minor::bigint, null::uuid
      union all
      select 'tax_payable', -new.tax_minor, null
      union all
      select case beneficiary
               when 'platform' then 'platform_revenue'::public.ledger_account
               when 'representative' then 'representative_payable'
               else 'celebrity_payable'
             end, -amount_minor, id
        from public.commissions
       where booking_id = new.id
    ) as entry (account, amount, commission_id)
   where entry.amount <> 0;

  insert into public.payouts (commission_id, currency_code, amount_minor, due_on)
  select id, currency_code, amount_minor,
         current_date + app_private.setting('payout_delay_days')::integer
    from public.commissions
   where booking_id = new.id and beneficiary <> 'platform' and amount_minor > 0;
  return null;
end
$$;
comment on function app_private.settle_booking() is
  'A completed booking is earned: the books say whose the money is, and payouts are scheduled';

create or replace function app_private.check_commissions() returns trigger
language plpgsql security definer
set search_path = ''
as $$
declare
  booking uuid := coalesce(new.booking_id, old.booking_id);
begin
  if exists (
    select
      from public.bookings b
     where b.id = booking
       and b.subtotal_minor <> (
         select coalesce(sum(amount_minor), 0) from public.commissions where booking_id = booking))
  then
    raise exception 'The commissions of booking % do not sum up to its subtotal', booking
      using errcode = '23514';
  end if;
  return null;
end
$$;
comment on function app_private.check_commissions() is
  'At the end of the transaction every cent of a booking is somebody''s';

create or replace function app_private.check_booking_split() returns trigger
language plpgsql security definer
set search_path = ''
as $$
begin
  if exists (
    select
      from public.bookings b
     where b.id = new.id
       and b.status <> 'cancelled'
       and exists (select from public.commissions where booking_id = b.id)
       and b.subtotal_minor <> (
         select sum(amount_minor) from public.commissions where booking_id = b.id))
    or (new.status = 'completed' and new.subtotal_minor > 0
        and not exists (select from public.commissions where booking_id = new.id))
  then
    raise exception 'The commissions of booking % do not sum up to its subtotal', new.id
      using errcode = '23514';
  end if;
  return null;
end
$$;
comment on function app_private.check_booking_split() is
  'Likewise where the subtotal changes, or the booking is completed';

-- Triggers of money

create or replace function app_private.check_payment_change() returns trigger
language plpgsql
set search_path = ''
as $$
begin
  if tg_op = 'UPDATE' then
    if new.status is distinct from old.status and old.status <> 'pending' then
      raise exception 'A payment that % stays so', old.status using errcode = '23514';
    end if;
    if (new.amount_minor, new.currency_code, new.invoice_id) is distinct from
       (old.amount_minor, old.currency_code, old.invoice_id)
    then
      raise exception 'The amount of a payment is fixed' using errcode = '23514';
    end if;
  end if;
  if new.status = 'succeeded' then
    new.succeeded_at := coalesce(new.succeeded_at, now());
  end if;
  return new;
end
$$;
comment on function app_private.check_payment_change() is 'A payment ends once';

create or replace function app_private.post_payment() returns trigger
language plpgsql security definer
set search_path = ''
as $$
declare
  posting uuid := gen_random_uuid();
begin
  if new.status <> 'succeeded' or (tg_op = 'UPDATE' and old.status = 'succeeded') then
    return null;
  end if;
  -- The constraint of open_minor refuses what would pay more than is owed.
  update public.invoices set paid_minor = paid_minor + new.amount_minor where id = new.invoice_id;
  insert into public.ledger_entries
    (transaction_id, account, currency_code, amount_minor, booking_id, payment_id)
  values (posting, 'cash', new.currency_code, new.amount_minor, new.booking_id, new.id),
         (posting, 'customer_funds', new.currency_code, -new.amount_minor, new.booking_id, new.id);
  return null;
end
$$;
comment on function app_private.post_payment() is 'Books a payment that succeeded';

create or replace function app_private.reserve_refund() returns trigger
language plpgsql security definer
set search_path = ''
as $$
declare
  counted boolean := false;
  counts boolean := false;
begin
  if tg_op <> 'INSERT' then
    counted := old.status in ('pending', 'succeeded');
    if old.status = 'succeeded' then
      raise exception 'A refund that succeeded stays so' using errcode = '23514';
    end if;
  end if;
  if tg_op <> 'DELETE' then
    counts := new.status in ('pending', 'succeeded');
    if tg_op = 'UPDATE' and (new.payment_id, new.amount_minor) is distinct from
                            (old.payment_id, old.amount_minor) then
      raise exception 'The amount of a refund is fixed' using errcode = '23514';
    end if;
    if counts and not counted then
      -- The row lock makes refunds of one payment wait for each other; the constraint
      -- refunded_minor <= amount_minor refuses the one that is too many.
      update public.payments
         set refunded_minor = refunded_minor + new.amount_minor
       where id = new.payment_id and status = 'succeeded';
      if not found then
        raise exception 'Only a payment that succeeded can be refunded' using errcode = '23514';
      end if;
    end if;
  end if;
  if counted and not counts then
    update public.payments
       set refunded_minor = refunded_minor - old.amount_minor
     where id = old.payment_id;
  end if;
  return coalesce(new, old);
end
$$;
comment on function app_private.reserve_refund() is
  'Counts a refund from when it is asked for until it fails';

create or replace function app_private.post_refund() returns trigger
language plpgsql security definer
set search_path = ''
as $$
declare
  posting uuid := gen_random_uuid();
  payment public.payments;
begin
  if new.status <> 'succeeded' or (tg_op = 'UPDATE' and old.status = 'succeeded') then
    return null;
  end if;
  select * into payment from public.payments where id = new.payment_id;
  update public.invoices
     set paid_minor = paid_minor - new.amount_minor
   where id = payment.invoice_id;
  insert into public.ledger_entries
    (transaction_id, account, currency_code, amount_minor, booking_id, refund_id)
  values
    (posting, 'customer_funds', new.currency_code, new.amount_minor, payment.booking_id, new.id),
    (posting, 'cash', new.currency_code, -new.amount_minor, payment.booking_id, new.id);
  return null;
end
$$;
comment on function app_private.post_refund() is 'Books a refund that succeeded';

create or replace function app_private.check_payout_change() returns trigger
language plpgsql security definer
set search_path = ''
as $$
begin
  if tg_op = 'UPDATE' then
    if old.status in ('paid', 'cancelled') and new.status is distinct from old.status then
      raise exception 'A payout that is % stays so', old.status using errcode = '23514';
    end if;
    if (new.amount_minor, new.commission_id) is distinct from
       (old.amount_minor, old.commission_id) then
      raise exception 'The amount of a payout is fixed' using errcode = '23514';
    end if;
  end if;
  if exists (
    select
      from public.commissions
     where id = new.commission_id
       and (amount_minor <> new.amount_minor or beneficiary = 'platform'))
  then
    raise exception 'A payout is the whole of a celebrity''s or representative''s commission'
      using errcode = '23514';
  end if;
  if new.status = 'paid' then
    new.paid_at := coalesce(new.paid_at, now());
  end if;
  return new;
end
$$;
comment on function app_private.check_payout_change() is 'A payout is what is owed, and ends once';

create or replace function app_private.post_payout() returns trigger
language plpgsql security definer
set search_path = ''
as $$
declare
  posting uuid := gen_random_uuid();
  share public.commissions;
begin
  if new.status <> 'paid' or (tg_op = 'UPDATE' and old.status = 'paid') then
    return null;
  end if;
  select * into share from public.commissions where id = new.commission_id;
  insert into public.ledger_entries
    (transaction_id, account, currency_code, amount_minor, booking_id, payout_id)
  values
    (posting,
     case share.beneficiary
       when 'celebrity' then 'celebrity_payable'::public.ledger_account
       else 'representative_payable'
     end, new.currency_code, new.amount_minor, share.booking_id, new.id),
    (posting, 'cash', new.currency_code, -new.amount_minor, share.booking_id, new.id);
  return null;
end
$$;
comment on function app_private.post_payout() is 'Books a payout that was paid';

create or replace function app_private.check_ledger_balance() returns trigger
language plpgsql security definer
set search_path = ''
as $$
begin
  if exists (
    select
      from public.ledger_entries
     where transaction_id = new.transaction_id
     group by currency_code
    having sum(amount_minor) <> 0)
  then
    raise exception 'The entries of transaction % do not sum up to zero', new.transaction_id
      using errcode = '23514';
  end if;
  return null;
end
$$;
comment on function app_private.check_ledger_balance() is
  'At the end of the transaction debits and credits are equal';

-- Triggers of negotiation and messages

create or replace function app_private.describe_request() returns trigger
language plpgsql security definer
set search_path = ''
as $$
begin
  new.requester_name := coalesce(
    (select name from public.organizations where id = new.organization_id),
    (select display_name from public.app_users where id = new.customer_id),
    '');
  return new;
end
$$;
comment on function app_private.describe_request() is 'Notes who asks, for the celebrity''s side';

create or replace function app_private.open_conversation() returns trigger
language plpgsql security definer
set search_path = ''
as $$
begin
  insert into public.conversations
    (kind, customer_id, request_id, organization_id, celebrity_id, subject)
  values ('booking', new.customer_id, new.id, new.organization_id, new.celebrity_id,
          left('Booking request of ' || new.requester_name, 200));
  return null;
end
$$;
comment on function app_private.open_conversation() is 'Each request has its conversation';

create or replace function app_private.number_offer() returns trigger
language plpgsql security definer
set search_path = ''
as $$
declare
  request public.booking_requests;
begin
  -- Offers of one request are made one after the other.
  select * into request from public.booking_requests where id = new.request_id for no key update;
  if request.status not in ('open', 'negotiating') or request.expires_at <= now() then
    raise exception 'The request is closed' using errcode = '23514';
  end if;
  if auth.uid() is not null then
    new.side := app_private.request_side(new.request_id);
    if new.side is null then
      raise exception 'You have no part in this request' using errcode = '42501';
    end if;
  end if;
  update public.booking_offers
     set status = 'superseded'
   where request_id = new.request_id and status = 'open';
  update public.booking_requests
     set status = 'negotiating'
   where id = new.request_id and status = 'open';
  new.round := 1 + coalesce(
    (select max(round) from public.booking_offers where request_id = new.request_id), 0);
  return new;
end
$$;
comment on function app_private.number_offer() is
  'Says whose offer it is, counts the rounds, and puts the one before aside';

create or replace function app_private.describe_message() returns trigger
language plpgsql security definer
set search_path = ''
as $$
begin
  if auth.uid() is not null then
    new.sender_side := app_private.message_side(new.conversation_id);
    if new.sender_side is null then
      raise exception 'You have no part in this conversation' using errcode = '42501';
    end if;
  end if;
  new.sender_side := coalesce(new.sender_side, 'platform');
  new.sender_name := coalesce(
    (select display_name from public.app_users where id = new.sender_id), new.sender_name);
  update public.conversations set last_message_at = new.sent_at where id = new.conversation_id;
  return new;
end
$$;
comment on function app_private.describe_message() is
  'Says who writes, for which side, and moves the conversation up';

create or replace function app_private.keep_once_set() returns trigger
language plpgsql
set search_path = ''
as $$
declare
  set_before text := to_jsonb(old) ->> tg_argv[0];
begin
  if set_before is not null and to_jsonb(new) ->> tg_argv[0] is distinct from set_before then
    raise exception '% is set once', tg_argv[0] using errcode = '23514';
  end if;
  return new;
end
$$;
comment on function app_private.keep_once_set() is
  'Refuses to change the column named by its argument once it has a value';

-- Which trigger stands where

create or replace trigger add_first_owner after insert on organizations
  for each row execute function app_private.add_first_owner();
create or replace trigger keep_an_owner after update or delete on organization_members
  for each row execute function app_private.keep_an_owner();

create or replace trigger end_verification
  before update of name, legal_name, country_code, tax_number on organizations
  for each row execute function app_private.end_verification();
create or replace trigger keep_verified_name before update of slug, stage_name on celebrities
  for each row when (new.slug <> old.slug or new.stage_name <> old.stage_name)
  execute function app_private.keep_verified_name();
create or replace trigger keep_self before delete on celebrity_representatives
  for each row when (old.kind = 'self') execute function app_private.keep_self();
create or replace trigger limit_commissions
  before insert or update of commission_rate on celebrity_representatives
  for each row when (new.commission_rate > 0) execute function app_private.limit_commissions();

create or replace trigger keep_time_free
  before insert or update of celebrity_id, starts_at, ends_at, kind on availability_blocks
  for each row execute function app_private.keep_time_free();
create or replace trigger keep_time_free
  before insert or update of celebrity_id, starts_at, ends_at, status on bookings
  for each row execute function app_private.keep_time_free();

create or replace trigger describe_request before insert on booking_requests
  for each row execute function app_private.describe_request();
create or replace trigger open_conversation after insert on booking_requests
  for each row execute function app_private.open_conversation();
create or replace trigger number_offer before insert on booking_offers
  for each row execute function app_private.number_offer();

create or replace trigger check_change before update on bookings
  for each row execute function app_private.check_booking_change();
create or replace trigger log_first_status after insert on bookings
  for each row execute function app_private.log_booking_status();
create or replace trigger log_status after update of status on bookings
  for each row when (old.status is distinct from new.status)
  execute function app_private.log_booking_status();
create or replace trigger settle after update of status on bookings
  for each row when (new.status = 'completed' and old.status <> 'completed')
  execute function app_private.settle_booking();
create or replace trigger freeze_items before insert or update or delete on booking_items
  for each row execute function app_private.freeze_booking_items();
create or replace trigger sum_items after insert or update or delete on booking_items
  for each row execute function app_private.sum_booking_items();

create or replace trigger check_change before insert or update on payments
  for each row execute function app_private.check_payment_change();
create or replace trigger post after insert or update of status on payments
  for each row execute function app_private.post_payment();
create or replace trigger reserve before insert or update or delete on refunds
  for each row execute function app_private.reserve_refund();
create or replace trigger post after insert or update of status on refunds
  for each row execute function app_private.post_refund();
create or replace trigger check_change before insert or update on payouts
  for each row execute function app_private.check_payout_change();
create or replace trigger post after insert or update of status on payouts
  for each row execute function app_private.post_payout();

create or replace trigger describe before insert on messages
  for each row execute function app_private.describe_message();
create or replace trigger keep_read_at before update of read_at on messages
  for each row execute function app_private.keep_once_set('read_at');
create or replace trigger keep_revoked_at before update of revoked_at on api_keys
  for each row execute function app_private.keep_once_set('revoked_at');

-- `create or replace` does not do constraint triggers.
drop trigger if exists balance on ledger_entries;
create constraint trigger balance after insert on ledger_entries
  deferrable initially deferred
  for each row execute function app_private.check_ledger_balance();
drop trigger if exists split on commissions;
create constraint trigger split after insert or update or delete on commissions
  deferrable initially deferred
  for each row execute function app_private.check_commissions();
drop trigger if exists split on bookings;
create constraint trigger split after update of subtotal_minor, status on bookings
  deferrable initially deferred
  for each row execute function app_private.check_booking_split();

do $$
declare
  target text;
  key_columns text;
begin
  for target in
    select table_name
      from app_private.platform_tables()
      join pg_attribute on attrelid = format('public.%I', table_name)::regclass
     where attname = 'updated_at' and not attisdropped
  loop
    execute format('create or replace trigger touch_updated_at before update on public.%I
      for each row execute function app_private.touch_updated_at()', target);
  end loop;

  foreach target in array array['booking_status_history', 'audit_log', 'ledger_entries'] loop
    execute format('create or replace trigger append_only before update or delete on public.%I
      for each row execute function app_private.refuse_change()', target);
    execute format('create or replace trigger append_only_truncate before truncate on public.%I
      for each statement execute function app_private.refuse_change()', target);
  end loop;

  foreach target in array array[
    'app_users', 'organizations', 'organization_members', 'celebrities',
    'celebrity_representatives', 'tax_rates', 'bookings', 'contracts', 'invoices', 'payments',
    'refunds', 'commissions', 'payouts', 'payout_accounts', 'reviews', 'role_permissions',
    'user_roles', 'api_keys', 'app_settings', 'fraud_rules', 'fraud_cases', 'webhook_endpoints']
  loop
    select string_agg(quote_literal(attname), ', ' order by position) into key_columns
      from pg_constraint, unnest(conkey) with ordinality as key (number, position)
      join pg_attribute on attnum = number
     where conrelid = format('public.%I', target)::regclass and attrelid = conrelid
       and contype = 'p';
    execute format('create or replace trigger write_audit_log
      after insert or update or delete on public.%I
      for each row execute function app_private.write_audit_log(%s)', target, key_columns);
  end loop;
end
$$;

-- Row level security and grants. Projects differ in what their default privileges grant, so every
-- table starts with none. service_role may do everything except rewrite what is append-only.

do $$
declare
  target text;
begin
  for target in select table_name from app_private.platform_tables() loop
    execute format('alter table public.%I enable row level security', target);
    execute format(
      'revoke all on public.%I from public, anon, authenticated, service_role', target);
    if target in ('booking_status_history', 'audit_log', 'ledger_entries') then
      execute format('grant select, insert on public.%I to service_role', target);
    else
      execute format('grant select, insert, update, delete on public.%I to service_role', target);
    end if;

    -- A user whose account does not exist yet has to be able to make it.
    execute format(
      'drop policy if exists "Suspended accounts are locked out" on public.%I', target);
    execute format('create policy "Suspended accounts are locked out" on public.%I as restrictive
      to authenticated using (not (select app_private.is_locked_out()))', target);
  end loop;
end
$$;

revoke all on all functions in schema app_private from public;

grant usage on schema app_private to authenticated;

grant execute on function
  app_private.is_locked_out(),
  app_private.has_permission(text),
  app_private.my_organization_ids(organization_role[]),
  app_private.my_fellow_member_ids(),
  app_private.has_members(uuid),
  app_private.may_manage_member(uuid, organization_role),
  app_private.my_celebrity_ids(text),
  app_private.my_event_ids(),
  app_private.my_venue_ids(),
  app_private.my_conversation_ids(),
  app_private.request_side(uuid),
  app_private.message_side(uuid),
  app_private.may_review(uuid, uuid),
  app_private.owns_file(uuid)
  to authenticated;

-- What everyone sees, signed in or not: five tables and nothing else.

grant select on celebrities, categories, celebrity_categories, celebrity_media, reviews
  to anon, authenticated;

drop policy if exists "Everyone reads active celebrities" on celebrities;
create policy "Everyone reads active celebrities" on celebrities
  for select to anon
  using (status = 'active');
drop policy if exists "Users read active celebrities and those they act for" on celebrities;
create policy "Users read active celebrities and those they act for" on celebrities
  for select to authenticated
  using (
    status = 'active'
    or id in (select app_private.my_celebrity_ids())
    or (select app_private.has_permission('celebrities.manage'))
  );

drop policy if exists "Everyone reads active categories" on categories;
create policy "Everyone reads active categories" on categories
  for select to anon
  using (is_active);
drop policy if exists "Users read active categories" on categories;
create policy "Users read active categories" on categories
  for select to authenticated
  using (is_active or (select app_private.has_permission('catalogue.manage')));

-- Keys alone, without a condition: the join with celebrities hides what is hidden.
drop policy if exists "Everyone reads who is in which category" on celebrity_categories;
create policy "Everyone reads who is in which category" on celebrity_categories
  for select to anon, authenticated
  using (true);

drop policy if exists "Everyone reads public media of celebrities they see" on celebrity_media;
create policy "Everyone reads public media of celebrities they see" on celebrity_media
  for select to anon
  using (is_public and exists (select from celebrities where id = celebrity_id));
drop policy if exists "Users read public media and those of celebrities they act for"
  on celebrity_media;
create policy "Users read public media and those of celebrities they act for" on celebrity_media
  for select to authenticated
  using (
    (is_public and exists (select from celebrities where id = celebrity_id))
    or celebrity_id in (select app_private.my_celebrity_ids())
    or (select app_private.has_permission('celebrities.manage'))
  );

drop policy if exists "Everyone reads approved reviews" on reviews;
create policy "Everyone reads approved reviews" on reviews
  for select to anon
  using (status = 'approved');
drop policy if exists "Users read approved reviews, and those of their own bookings" on reviews;
create policy "Users read approved reviews, and those of their own bookings" on reviews
  for select to authenticated
  using (
    status = 'approved'
    or exists (
      select from bookings
       where bookings.id = booking_id and bookings.customer_id = (select auth.uid()))
    or celebrity_id in (select app_private.my_celebrity_ids())
    or (select app_private.has_permission('reviews.moderate'))
  );

-- Reference data: signed-in users read it, staff keep it.

grant select on currencies, countries, tax_rates, service_types, exchange_rates to authenticated;

drop policy if exists "Users read currencies" on currencies;
create policy "Users read currencies" on currencies
  for select to authenticated
  using (true);

drop policy if exists "Users read countries" on countries;
create policy "Users read countries" on countries
  for select to authenticated
  using (true);

drop policy if exists "Users read tax rates" on tax_rates;
create policy "Users read tax rates" on tax_rates
  for select to authenticated
  using (true);

drop policy if exists "Users read services" on service_types;
create policy "Users read services" on service_types
  for select to authenticated
  using (is_active or (select app_private.has_permission('catalogue.manage')));

drop policy if exists "Users read exchange rates" on exchange_rates;
create policy "Users read exchange rates" on exchange_rates
  for select to authenticated
  using (true);

grant insert (code, name, minor_unit_digits, symbol, is_active), update (name, symbol, is_active)
  on currencies to authenticated;

drop policy if exists "Staff add currencies" on currencies;
create policy "Staff add currencies" on currencies
  for insert to authenticated
  with check ((select app_private.has_permission('catalogue.manage')));
drop policy if exists "Staff change currencies" on currencies;
create policy "Staff change currencies" on currencies
  for update to authenticated
  using ((select app_private.has_permission('catalogue.manage')))
  with check ((select app_private.has_permission('catalogue.manage')));

grant insert (country_code, region, name, rate, valid_from, valid_until), update (name,
  valid_until) on tax_rates to authenticated;

drop policy if exists "Staff add tax rates" on tax_rates;
create policy "Staff add tax rates" on tax_rates
  for insert to authenticated
  with check ((select app_private.has_permission('finance.manage')));
drop policy if exists "Staff change tax rates" on tax_rates;
create policy "Staff change tax rates" on tax_rates
  for update to authenticated
  using ((select app_private.has_permission('finance.manage')))
  with check ((select app_private.has_permission('finance.manage')));

grant insert (parent_id, slug, name, position, is_active), update (parent_id, slug, name,
  position, is_active), delete on categories to authenticated;

drop policy if exists "Staff add categories" on categories;
create policy "Staff add categories" on categories
  for insert to authenticated
  with check ((select app_private.has_permission('catalogue.manage')));
drop policy if exists "Staff change categories" on categories;
create policy "Staff change categories" on categories
  for update to authenticated
  using ((select app_private.has_permission('catalogue.manage')))
  with check ((select app_private.has_permission('catalogue.manage')));
drop policy if exists "Staff delete categories" on categories;
create policy "Staff delete categories" on categories
  for delete to authenticated
  using ((select app_private.has_permission('catalogue.manage')));

grant insert (slug, name, default_unit, is_in_person, is_active), update (slug, name,
  default_unit, is_in_person, is_active), delete on service_types to authenticated;

drop policy if exists "Staff add services" on service_types;
create policy "Staff add services" on service_types
  for insert to authenticated
  with check ((select app_private.has_permission('catalogue.manage')));
drop policy if exists "Staff change services" on service_types;
create policy "Staff change services" on service_types
  for update to authenticated
  using ((select app_private.has_permission('catalogue.manage')))
  with check ((select app_private.has_permission('catalogue.manage')));
drop policy if exists "Staff delete services" on service_types;
create policy "Staff delete services" on service_types
  for delete to authenticated
  using ((select app_private.has_permission('catalogue.manage')));

-- People. E-mail addresses come from Auth; states are changed by functions.

grant select, insert (id, email, display_name, language),
  update (display_name, language, email) on app_users to authenticated;

drop policy if exists "Users read themselves and fellow members" on app_users;
create policy "Users read themselves and fellow members" on app_users
  for select to authenticated
  using (
    id = (select auth.uid())
    or id in (select app_private.my_fellow_member_ids())
    or (select app_private.has_permission('users.read'))
  );
drop policy if exists "Users sign up for themselves" on app_users;
create policy "Users sign up for themselves" on app_users
  for insert to authenticated
  with check (
    id = (select auth.uid())
    and email is not distinct from nullif(lower((select auth.email())), '')
  );
drop policy if exists "Users change themselves" on app_users;
create policy "Users change themselves" on app_users
  for update to authenticated
  using (id = (select auth.uid()))
  with check (
    id = (select auth.uid())
    and email is not distinct from nullif(lower((select auth.email())), '')
  );

grant select, insert (user_id, given_name, family_name, phone, birth_date, country_code, time_zone,
  marketing_consent_at),
  update (given_name, family_name, phone, birth_date, country_code, time_zone,
  marketing_consent_at), delete on user_profiles to authenticated;

drop policy if exists "Users and staff read profiles" on user_profiles;
create policy "Users and staff read profiles" on user_profiles
  for select to authenticated
  using (
    user_id = (select auth.uid()) or (select app_private.has_permission('users.read'))
  );
drop policy if exists "Users add their profile" on user_profiles;
create policy "Users add their profile" on user_profiles
  for insert to authenticated
  with check (user_id = (select auth.uid()));
drop policy if exists "Users change their profile" on user_profiles;
create policy "Users change their profile" on user_profiles
  for update to authenticated
  using (user_id = (select auth.uid()))
  with check (user_id = (select auth.uid()));
drop policy if exists "Users delete their profile" on user_profiles;
create policy "Users delete their profile" on user_profiles
  for delete to authenticated
  using (user_id = (select auth.uid()));

-- Organisations. Who founds one becomes its owner; invitations are accepted by a function.

grant select, insert (created_by, kind, name, legal_name, country_code, tax_number,
    billing_email, website, currency_code),
  update (kind, name, legal_name, country_code, tax_number, billing_email, website, currency_code)
  on organizations to authenticated;

drop policy if exists "Members read their organisations" on organizations;
create policy "Members read their organisations" on organizations
  for select to authenticated
  using (
    id in (select app_private.my_organization_ids())
    or (created_by = (select auth.uid()) and not app_private.has_members(id))
    or (select app_private.has_permission('organizations.manage'))
  );
drop policy if exists "Users found organisations" on organizations;
create policy "Users found organisations" on organizations
  for insert to authenticated
  with check (created_by = (select auth.uid()));
drop policy if exists "Owners and admins change their organisations" on organizations;
create policy "Owners and admins change their organisations" on organizations
  for update to authenticated
  using (
    id in (select app_private.my_organization_ids('{owner,admin}'))
    or (select app_private.has_permission('organizations.manage'))
  )
  with check (
    id in (select app_private.my_organization_ids('{owner,admin}'))
    or (select app_private.has_permission('organizations.manage'))
  );

grant select, insert (organization_id, user_id, role, title), update (role, title), delete
  on organization_members to authenticated;

drop policy if exists "Members read their own and fellow memberships" on organization_members;
create policy "Members read their own and fellow memberships" on organization_members
  for select to authenticated
  using (
    user_id = (select auth.uid())
    or organization_id in (select app_private.my_organization_ids())
    or (select app_private.has_permission('organizations.manage'))
  );
drop policy if exists "Owners and admins invite others" on organization_members;
create policy "Owners and admins invite others" on organization_members
  for insert to authenticated
  with check (
    user_id <> (select auth.uid())
    and app_private.may_manage_member(organization_id, role)
  );
drop policy if exists "Owners and admins change the roles of others" on organization_members;
create policy "Owners and admins change the roles of others" on organization_members
  for update to authenticated
  using (
    user_id <> (select auth.uid())
    and app_private.may_manage_member(organization_id, role)
  )
  with check (
    user_id <> (select auth.uid())
    and app_private.may_manage_member(organization_id, role)
  );
drop policy if exists "Members leave, owners and admins remove others" on organization_members;
create policy "Members leave, owners and admins remove others" on organization_members
  for delete to authenticated
  using (
    user_id = (select auth.uid())
    or app_private.may_manage_member(organization_id, role)
  );

-- Celebrities. Profiles are made, published and retired by functions; who represents them is the
-- celebrity's own choice.

grant update (slug, stage_name, headline, biography, country_code, website)
  on celebrities to authenticated;

drop policy if exists "Representatives and staff change profiles" on celebrities;
create policy "Representatives and staff change profiles" on celebrities
  for update to authenticated
  using (
    id in (select app_private.my_celebrity_ids('edit'))
    or (select app_private.has_permission('celebrities.manage'))
  )
  with check (
    id in (select app_private.my_celebrity_ids('edit'))
    or (select app_private.has_permission('celebrities.manage'))
  );

grant insert (celebrity_id, category_id, is_primary), update (is_primary), delete
  on celebrity_categories to authenticated;

drop policy if exists "Representatives and staff add categories to profiles"
  on celebrity_categories;
create policy "Representatives and staff add categories to profiles" on celebrity_categories
  for insert to authenticated
  with check (
    celebrity_id in (select app_private.my_celebrity_ids('edit'))
    or (select app_private.has_permission('celebrities.manage'))
  );
drop policy if exists "Representatives and staff change categories of profiles"
  on celebrity_categories;
create policy "Representatives and staff change categories of profiles" on celebrity_categories
  for update to authenticated
  using (
    celebrity_id in (select app_private.my_celebrity_ids('edit'))
    or (select app_private.has_permission('celebrities.manage'))
  )
  with check (
    celebrity_id in (select app_private.my_celebrity_ids('edit'))
    or (select app_private.has_permission('celebrities.manage'))
  );
drop policy if exists "Representatives and staff take categories from profiles"
  on celebrity_categories;
create policy "Representatives and staff take categories from profiles" on celebrity_categories
  for delete to authenticated
  using (
    celebrity_id in (select app_private.my_celebrity_ids('edit'))
    or (select app_private.has_permission('celebrities.manage'))
  );

grant insert (celebrity_id, kind, url, caption, position, is_public),
  update (url, caption, position, is_public), delete
  on celebrity_media to authenticated;

drop policy if exists "Representatives and staff add media" on celebrity_media;
create policy "Representatives and staff add media" on celebrity_media
  for insert to authenticated
  with check (
    celebrity_id in (select app_private.my_celebrity_ids('edit'))
    or (select app_private.has_permission('celebrities.manage'))
  );
drop policy if exists "Representatives and staff change media" on celebrity_media;
create policy "Representatives and staff change media" on celebrity_media
  for update to authenticated
  using (
    celebrity_id in (select app_private.my_celebrity_ids('edit'))
    or (select app_private.has_permission('celebrities.manage'))
  )
  with check (
    celebrity_id in (select app_private.my_celebrity_ids('edit'))
    or (select app_private.has_permission('celebrities.manage'))
  );
drop policy if exists "Representatives and staff delete media" on celebrity_media;
create policy "Representatives and staff delete media" on celebrity_media
  for delete to authenticated
  using (
    celebrity_id in (select app_private.my_celebrity_ids('edit'))
    or (select app_private.has_permission('celebrities.manage'))
  );

grant select, insert (celebrity_id, user_id, kind, organization_id,
    can_edit_profile, can_negotiate, can_sign, can_see_finances, commission_rate, ends_on),
  update (kind, organization_id,
    can_edit_profile, can_negotiate, can_sign, can_see_finances, commission_rate, ends_on),
  delete on celebrity_representatives to authenticated;

-- The same policy as it was called before, in 63 bytes.
drop policy if exists "Users read their own mandates and those of celebrities they act"
  on celebrity_representatives;
drop policy if exists "Users read their own mandates and those of their celebrities"
  on celebrity_representatives;
create policy "Users read their own mandates and those of their celebrities"
  on celebrity_representatives
  for select to authenticated
  using (
    user_id = (select auth.uid())
    or celebrity_id in (select app_private.my_celebrity_ids())
    or (select app_private.has_permission('celebrities.manage'))
  );

drop policy if exists "Celebrities appoint representatives" on celebrity_representatives;
create policy "Celebrities appoint representatives" on celebrity_representatives
  for insert to authenticated
  with check (
    kind <> 'self' and user_id <> (select auth.uid())
    and celebrity_id in (select app_private.my_celebrity_ids('self'))
  );
drop policy if exists "Celebrities change mandates" on celebrity_representatives;
create policy "Celebrities change mandates" on celebrity_representatives
  for update to authenticated
  using (
    kind <> 'self' and user_id <> (select auth.uid())
    and celebrity_id in (select app_private.my_celebrity_ids('self'))
  )
  with check (
    kind <> 'self' and user_id <> (select auth.uid())
    and celebrity_id in (select app_private.my_celebrity_ids('self'))
  );
drop policy if exists "Celebrities end mandates, representatives resign"
  on celebrity_representatives;
create policy "Celebrities end mandates, representatives resign" on celebrity_representatives
  for delete to authenticated
  using (
    kind <> 'self'
    and (user_id = (select auth.uid())
         or celebrity_id in (select app_private.my_celebrity_ids('self')))
  );

grant select, insert (celebrity_id, service_type_id, currency_code, unit, amount_minor,
    minimum_units, is_active),
  update (amount_minor, minimum_units, is_active), delete
  on celebrity_rates to authenticated;

drop policy if exists "Users read the rates of celebrities they see" on celebrity_rates;
create policy "Users read the rates of celebrities they see" on celebrity_rates
  for select to authenticated
  using (
    (is_active and exists (select from celebrities where id = celebrity_id))
    or celebrity_id in (select app_private.my_celebrity_ids())
    or (select app_private.has_permission('celebrities.manage'))
  );
drop policy if exists "Negotiators set rates" on celebrity_rates;
create policy "Negotiators set rates" on celebrity_rates
  for insert to authenticated
  with check (celebrity_id in (select app_private.my_celebrity_ids('negotiate')));
drop policy if exists "Negotiators change rates" on celebrity_rates;
create policy "Negotiators change rates" on celebrity_rates
  for update to authenticated
  using (celebrity_id in (select app_private.my_celebrity_ids('negotiate')))
  with check (celebrity_id in (select app_private.my_celebrity_ids('negotiate')));
drop policy if exists "Negotiators delete rates" on celebrity_rates;
create policy "Negotiators delete rates" on celebrity_rates
  for delete to authenticated
  using (celebrity_id in (select app_private.my_celebrity_ids('negotiate')));

grant select, insert (celebrity_id, kind, starts_at, ends_at), update (kind, starts_at, ends_at),
  delete on availability_blocks to authenticated;

drop policy if exists "Representatives read blocks" on availability_blocks;
create policy "Representatives read blocks" on availability_blocks
  for select to authenticated
  using (
    celebrity_id in (select app_private.my_celebrity_ids())
    or (select app_private.has_permission('bookings.manage'))
  );
drop policy if exists "Negotiators add blocks" on availability_blocks;
create policy "Negotiators add blocks" on availability_blocks
  for insert to authenticated
  with check (celebrity_id in (select app_private.my_celebrity_ids('negotiate')));
drop policy if exists "Negotiators change blocks" on availability_blocks;
create policy "Negotiators change blocks" on availability_blocks
  for update to authenticated
  using (celebrity_id in (select app_private.my_celebrity_ids('negotiate')))
  with check (celebrity_id in (select app_private.my_celebrity_ids('negotiate')));
drop policy if exists "Negotiators delete blocks" on availability_blocks;
create policy "Negotiators delete blocks" on availability_blocks
  for delete to authenticated
  using (celebrity_id in (select app_private.my_celebrity_ids('negotiate')));

-- Venues and events: the customer's, and shown to those who are asked to come.

grant select, insert (organization_id, created_by,
    name, address, city, country_code, latitude, longitude, time_zone, capacity),
  update (name, address, city, country_code, latitude, longitude, time_zone, capacity), delete
  on venues to authenticated;

-- The same policy as it was called before, in 63 bytes.
drop policy if exists "Users read listed venues, their own, and those they are asked t" on venues;
drop policy if exists "Users read listed venues, their own and those they are asked to" on venues;
create policy "Users read listed venues, their own and those they are asked to" on venues
  for select to authenticated
  using (
    is_listed
    or created_by = (select auth.uid())
    or organization_id in (select app_private.my_organization_ids())
    or id in (select app_private.my_venue_ids())
    or (select app_private.has_permission('catalogue.manage'))
  );
drop policy if exists "Users and bookers add venues" on venues;
create policy "Users and bookers add venues" on venues
  for insert to authenticated
  with check (
    created_by = (select auth.uid())
    and (organization_id is null
         or organization_id in (select app_private.my_organization_ids('{owner,admin,booker}')))
  );
drop policy if exists "Users and bookers change their venues until staff list them" on venues;
create policy "Users and bookers change their venues until staff list them" on venues
  for update to authenticated
  using (
    (organization_id is null and created_by = (select auth.uid()) and not is_listed)
    or (organization_id in (select app_private.my_organization_ids('{owner,admin,booker}'))
        and not is_listed)
    or (select app_private.has_permission('catalogue.manage'))
  )
  with check (
    (organization_id is null and created_by = (select auth.uid()) and not is_listed)
    or (organization_id in (select app_private.my_organization_ids('{owner,admin,booker}'))
        and not is_listed)
    or (select app_private.has_permission('catalogue.manage'))
  );
drop policy if exists "Users and bookers delete their venues until staff list them" on venues;
create policy "Users and bookers delete their venues until staff list them" on venues
  for delete to authenticated
  using (
    (organization_id is null and created_by = (select auth.uid()) and not is_listed)
    or (organization_id in (select app_private.my_organization_ids('{owner,admin,booker}'))
        and not is_listed)
    or (select app_private.has_permission('catalogue.manage'))
  );

grant select, insert (organizer_id, organization_id,
    venue_id, name, description, starts_at, ends_at, expected_guests, is_charity),
  update (venue_id, name, description, starts_at, ends_at, expected_guests, is_charity), delete
  on events to authenticated;

drop policy if exists "Organisers, members and those who are asked read events" on events;
create policy "Organisers, members and those who are asked read events" on events
  for select to authenticated
  using (
    organizer_id = (select auth.uid())
    or organization_id in (select app_private.my_organization_ids())
    or id in (select app_private.my_event_ids())
    or (select app_private.has_permission('bookings.manage'))
  );
drop policy if exists "Users and bookers add events" on events;
create policy "Users and bookers add events" on events
  for insert to authenticated
  with check (
    organizer_id = (select auth.uid())
    and (organization_id is null
         or organization_id in (select app_private.my_organization_ids('{owner,admin,booker}')))
    and (venue_id is null or exists (select from venues where venues.id = venue_id))
  );
drop policy if exists "Organisers and bookers change events" on events;
create policy "Organisers and bookers change events" on events
  for update to authenticated
  using (
    (organization_id is null and organizer_id = (select auth.uid()))
    or organization_id in (select app_private.my_organization_ids('{owner,admin,booker}'))
  )
  with check (
    ((organization_id is null and organizer_id = (select auth.uid()))
      or organization_id in (select app_private.my_organization_ids('{owner,admin,booker}')))
    and (venue_id is null or exists (select from venues where venues.id = venue_id))
  );
drop policy if exists "Organisers and bookers delete events" on events;
create policy "Organisers and bookers delete events" on events
  for delete to authenticated
  using (
    (organization_id is null and organizer_id = (select auth.uid()))
    or organization_id in (select app_private.my_organization_ids('{owner,admin,booker}'))
  );

-- Negotiation. What becomes of requests and offers is decided by functions.

grant select, insert (customer_id, organization_id, celebrity_id, service_type_id, event_id,
    starts_at, ends_at, currency_code, budget_minor, message),
  update (budget_minor, message) on booking_requests to authenticated;

drop policy if exists "Both sides and staff read requests" on booking_requests;
create policy "Both sides and staff read requests" on booking_requests
  for select to authenticated
  using (
    customer_id = (select auth.uid())
    or organization_id in (select app_private.my_organization_ids())
    or celebrity_id in (select app_private.my_celebrity_ids())
    or (select app_private.has_permission('bookings.manage'))
  );
drop policy if exists "Users and bookers ask for active celebrities" on booking_requests;
create policy "Users and bookers ask for active celebrities" on booking_requests
  for insert to authenticated
  with check (
    customer_id = (select auth.uid())
    and (organization_id is null
         or organization_id in (select app_private.my_organization_ids('{owner,admin,booker}')))
    and exists (select from celebrities where id = celebrity_id and celebrities.status = 'active')
    and (event_id is null or exists (
      select from events
       where events.id = event_id
         and (events.organizer_id = (select auth.uid())
              or events.organization_id in (
                select app_private.my_organization_ids('{owner,admin,booker}')))))
  );
drop policy if exists "Customers reword open requests" on booking_requests;
create policy "Customers reword open requests" on booking_requests
  for update to authenticated
  using (customer_id = (select auth.uid()) and status = 'open')
  with check (customer_id = (select auth.uid()) and status = 'open');

grant select, insert (request_id, currency_code, made_by, amount_minor, starts_at, ends_at, terms,
    expires_at)
  on booking_offers to authenticated;

drop policy if exists "Who reads a request reads its offers" on booking_offers;
create policy "Who reads a request reads its offers" on booking_offers
  for select to authenticated
  using (exists (select from booking_requests where id = request_id));
drop policy if exists "Both sides make offers" on booking_offers;
create policy "Both sides make offers" on booking_offers
  for insert to authenticated
  with check (
    made_by = (select auth.uid())
    and status = 'open'
    and side = app_private.request_side(request_id)
  );

-- Bookings and what hangs on them are read by both sides; functions and the service role write
-- them. Money in is the customer side's business, money out the celebrity side's.

grant select on bookings, booking_items, booking_status_history, contracts, invoices, payments,
  refunds, commissions, payouts to authenticated;

drop policy if exists "Both sides and staff read bookings" on bookings;
create policy "Both sides and staff read bookings" on bookings
  for select to authenticated
  using (
    customer_id = (select auth.uid())
    or organization_id in (select app_private.my_organization_ids())
    or celebrity_id in (select app_private.my_celebrity_ids())
    or (select app_private.has_permission('bookings.manage'))
  );

drop policy if exists "Who reads a booking reads its items" on booking_items;
create policy "Who reads a booking reads its items" on booking_items
  for select to authenticated
  using (exists (select from bookings where id = booking_id));

drop policy if exists "Who reads a booking reads its history" on booking_status_history;
create policy "Who reads a booking reads its history" on booking_status_history
  for select to authenticated
  using (exists (select from bookings where id = booking_id));

drop policy if exists "Who reads a booking reads its contracts" on contracts;
create policy "Who reads a booking reads its contracts" on contracts
  for select to authenticated
  using (exists (select from bookings where id = booking_id));

drop policy if exists "Customers and finance read invoices" on invoices;
create policy "Customers and finance read invoices" on invoices
  for select to authenticated
  using (
    (select app_private.has_permission('finance.read'))
    or exists (
      select from bookings b
       where b.id = booking_id
         and (b.customer_id = (select auth.uid())
              or b.organization_id in (select app_private.my_organization_ids())))
  );

drop policy if exists "Who reads an invoice reads its payments" on payments;
create policy "Who reads an invoice reads its payments" on payments
  for select to authenticated
  using (
    (select app_private.has_permission('finance.read'))
    or exists (select from invoices where id = invoice_id)
  );

drop policy if exists "Who reads a payment reads its refunds" on refunds;
create policy "Who reads a payment reads its refunds" on refunds
  for select to authenticated
  using (
    (select app_private.has_permission('finance.read'))
    or exists (select from payments where id = payment_id)
  );
drop policy if exists "Celebrities, their representatives and finance read commissions"
  on commissions;
create policy "Celebrities, their representatives and finance read commissions" on commissions
  for select to authenticated
  using (
    celebrity_id in (select app_private.my_celebrity_ids('self'))
    or representative_id = (select auth.uid())
    or (beneficiary = 'celebrity'
        and celebrity_id in (select app_private.my_celebrity_ids('finances')))
    or (select app_private.has_permission('finance.read'))
  );

drop policy if exists "Who reads a commission reads its payout" on payouts;
create policy "Who reads a commission reads its payout" on payouts
  for select to authenticated
  using (
    (select app_private.has_permission('finance.read'))
    or exists (select from commissions where id = commission_id)
  );

grant select, insert (celebrity_id, booking_id, kind, requirement, is_mandatory),
  update (kind, requirement, is_mandatory), delete on rider_items to authenticated;

drop policy if exists "Representatives read riders, both sides those of their bookings"
  on rider_items;
create policy "Representatives read riders, both sides those of their bookings" on rider_items
  for select to authenticated
  using (
    celebrity_id in (select app_private.my_celebrity_ids())
    or (booking_id is not null
        and exists (select from bookings where bookings.id = booking_id))
  );

drop policy if exists "Negotiators add rider items until the booking is confirmed" on rider_items;
create policy "Negotiators add rider items until the booking is confirmed" on rider_items
  for insert to authenticated
  with check (
    celebrity_id in (select app_private.my_celebrity_ids('negotiate'))
    and (booking_id is null or exists (
      select from bookings where bookings.id = booking_id and bookings.status = 'pending'))
  );
drop policy if exists "Negotiators change rider items until the booking is confirmed"
  on rider_items;
create policy "Negotiators change rider items until the booking is confirmed" on rider_items
  for update to authenticated
  using (
    celebrity_id in (select app_private.my_celebrity_ids('negotiate'))
    and (booking_id is null or exists (
      select from bookings where bookings.id = booking_id and bookings.status = 'pending'))
  )
  with check (
    celebrity_id in (select app_private.my_celebrity_ids('negotiate'))
    and (booking_id is null or exists (
      select from bookings where bookings.id = booking_id and bookings.status = 'pending'))
  );
drop policy if exists "Negotiators delete rider items until the booking is confirmed"
  on rider_items;
create policy "Negotiators delete rider items until the booking is confirmed" on rider_items
  for delete to authenticated
  using (
    celebrity_id in (select app_private.my_celebrity_ids('negotiate'))
    and (booking_id is null or exists (
      select from bookings where bookings.id = booking_id and bookings.status = 'pending'))
  );

grant insert (booking_id, celebrity_id, author_name, rating, title, body),
  update (author_name, rating, title, body), delete on reviews to authenticated;

drop policy if exists "Customers review completed bookings" on reviews;
create policy "Customers review completed bookings" on reviews
  for insert to authenticated
  with check (app_private.may_review(booking_id, celebrity_id) and status = 'pending');
drop policy if exists "Customers change their reviews until staff decided" on reviews;
create policy "Customers change their reviews until staff decided" on reviews
  for update to authenticated
  using (app_private.may_review(booking_id, celebrity_id) and status = 'pending')
  with check (app_private.may_review(booking_id, celebrity_id) and status = 'pending');
drop policy if exists "Customers delete their reviews until staff decided" on reviews;
create policy "Customers delete their reviews until staff decided" on reviews
  for delete to authenticated
  using (app_private.may_review(booking_id, celebrity_id) and status = 'pending');

grant select, insert (user_id, celebrity_id), delete on favorites to authenticated;

drop policy if exists "Users read their favourites" on favorites;
create policy "Users read their favourites" on favorites
  for select to authenticated
  using (user_id = (select auth.uid()));
drop policy if exists "Users add favourites they can see" on favorites;
create policy "Users add favourites they can see" on favorites
  for insert to authenticated
  with check (
    user_id = (select auth.uid())
    and exists (select from celebrities where id = celebrity_id)
  );
drop policy if exists "Users delete their favourites" on favorites;
create policy "Users delete their favourites" on favorites
  for delete to authenticated
  using (user_id = (select auth.uid()));

-- Staff. Nobody changes their own roles, and nobody grants what they may not do themselves.

grant select on roles, permissions, role_permissions to authenticated;

drop policy if exists "Users read roles" on roles;
create policy "Users read roles" on roles
  for select to authenticated
  using (true);

drop policy if exists "Users read permissions" on permissions;
create policy "Users read permissions" on permissions
  for select to authenticated
  using (true);

drop policy if exists "Users read what roles may do" on role_permissions;
create policy "Users read what roles may do" on role_permissions
  for select to authenticated
  using (true);

grant select, insert (user_id, role_code, expires_at), delete on user_roles to authenticated;

drop policy if exists "Users read their own roles, staff all" on user_roles;
create policy "Users read their own roles, staff all" on user_roles
  for select to authenticated
  using (
    user_id = (select auth.uid()) or (select app_private.has_permission('roles.assign'))
  );
drop policy if exists "Staff give roles to others" on user_roles;
create policy "Staff give roles to others" on user_roles
  for insert to authenticated
  with check (
    (select app_private.has_permission('roles.assign'))
    and user_id <> (select auth.uid())
    and not exists (
      select from role_permissions given
       where given.role_code = user_roles.role_code
         and not app_private.has_permission(given.permission_code))
  );
drop policy if exists "Staff take roles from others" on user_roles;
create policy "Staff take roles from others" on user_roles
  for delete to authenticated
  using (
    (select app_private.has_permission('roles.assign')) and user_id <> (select auth.uid())
  );

-- Hashes of keys are for the service role: users name the columns that they read.
grant select (id, organization_id, created_by, name, prefix, scopes, last_used_at, expires_at,
    revoked_at, created_at, updated_at),
  update (name, revoked_at) on api_keys to authenticated;

drop policy if exists "Owners and admins read API keys" on api_keys;
create policy "Owners and admins read API keys" on api_keys
  for select to authenticated
  using (organization_id in (select app_private.my_organization_ids('{owner,admin}')));
drop policy if exists "Owners and admins rename and revoke API keys" on api_keys;
create policy "Owners and admins rename and revoke API keys" on api_keys
  for update to authenticated
  using (organization_id in (select app_private.my_organization_ids('{owner,admin}')))
  with check (organization_id in (select app_private.my_organization_ids('{owner,admin}')));

grant select on audit_log to authenticated;

drop policy if exists "Staff read the audit log" on audit_log;
create policy "Staff read the audit log" on audit_log
  for select to authenticated
  using ((select app_private.has_permission('audit.read')));

-- Communication

grant select, insert (customer_id, subject) on conversations to authenticated;

drop policy if exists "Both sides and support read conversations" on conversations;
create policy "Both sides and support read conversations" on conversations
  for select to authenticated
  using (
    customer_id = (select auth.uid())
    or organization_id in (select app_private.my_organization_ids('{owner,admin,booker}'))
    or celebrity_id in (select app_private.my_celebrity_ids('negotiate'))
    or (select app_private.has_permission('messages.support'))
  );
drop policy if exists "Users turn to support" on conversations;
create policy "Users turn to support" on conversations
  for insert to authenticated
  with check (customer_id = (select auth.uid()) and kind = 'support');

grant select, insert (conversation_id, sender_id, body), update (read_at) on messages
  to authenticated;

drop policy if exists "Who takes part in a conversation reads its messages" on messages;
create policy "Who takes part in a conversation reads its messages" on messages
  for select to authenticated
  using (
    conversation_id in (select app_private.my_conversation_ids())
    or (select app_private.has_permission('messages.support'))
  );
drop policy if exists "Who takes part in a conversation writes" on messages;
create policy "Who takes part in a conversation writes" on messages
  for insert to authenticated
  with check (
    sender_id = (select auth.uid())
    and sender_side = app_private.message_side(conversation_id)
  );
drop policy if exists "The other side marks messages as read" on messages;
create policy "The other side marks messages as read" on messages
  for update to authenticated
  using (sender_side <> app_private.message_side(conversation_id))
  with check (sender_side <> app_private.message_side(conversation_id));

grant select on email_notifications to authenticated;

drop policy if exists "Users read what was sent to them" on email_notifications;
create policy "Users read what was sent to them" on email_notifications
  for select to authenticated
  using (
    user_id = (select auth.uid()) or (select app_private.has_permission('messages.support'))
  );

-- Analytics

grant select on metrics, daily_metrics, forecasts to authenticated;

grant select, insert (user_id, name, celebrity_id, properties) on analytics_events to authenticated;

drop policy if exists "Users read what is measured" on metrics;
create policy "Users read what is measured" on metrics
  for select to authenticated
  using (true);

drop policy if exists "Users read the figures of whom they act for" on daily_metrics;
create policy "Users read the figures of whom they act for" on daily_metrics
  for select to authenticated
  using (
    celebrity_id in (select app_private.my_celebrity_ids('finances'))
    or organization_id in (select app_private.my_organization_ids('{owner,admin}'))
    or (select app_private.has_permission('analytics.read'))
  );

drop policy if exists "Users read forecasts for celebrities they act for" on forecasts;
create policy "Users read forecasts for celebrities they act for" on forecasts
  for select to authenticated
  using (
    celebrity_id in (select app_private.my_celebrity_ids('finances'))
    or (select app_private.has_permission('analytics.read'))
  );

drop policy if exists "Analysts read events" on analytics_events;
create policy "Analysts read events" on analytics_events
  for select to authenticated
  using ((select app_private.has_permission('analytics.read')));
drop policy if exists "Users report what they do" on analytics_events;
create policy "Users report what they do" on analytics_events
  for insert to authenticated
  with check (user_id = (select auth.uid()));

-- Specialised

grant select, update (value) on app_settings to authenticated;

drop policy if exists "Users read public settings" on app_settings;
create policy "Users read public settings" on app_settings
  for select to authenticated
  using (is_public or (select app_private.has_permission('settings.manage')));
drop policy if exists "Staff change settings" on app_settings;
create policy "Staff change settings" on app_settings
  for update to authenticated
  using ((select app_private.has_permission('settings.manage')))
  with check ((select app_private.has_permission('settings.manage')));

grant select on ledger_entries to authenticated;

drop policy if exists "Finance reads the books" on ledger_entries;
create policy "Finance reads the books" on ledger_entries
  for select to authenticated
  using ((select app_private.has_permission('finance.read')));

grant select, update (label, is_default) on payout_accounts to authenticated;

drop policy if exists "Users read their payout accounts" on payout_accounts;
create policy "Users read their payout accounts" on payout_accounts
  for select to authenticated
  using (
    user_id = (select auth.uid()) or (select app_private.has_permission('finance.read'))
  );
drop policy if exists "Users name and choose their payout accounts" on payout_accounts;
create policy "Users name and choose their payout accounts" on payout_accounts
  for update to authenticated
  using (user_id = (select auth.uid()))
  with check (user_id = (select auth.uid()));

grant select, insert (user_id, network, address, label), update (label), delete on crypto_wallets
  to authenticated;

grant select on crypto_payments to authenticated;

drop policy if exists "Users read their wallets" on crypto_wallets;
create policy "Users read their wallets" on crypto_wallets
  for select to authenticated
  using (
    user_id = (select auth.uid()) or (select app_private.has_permission('fraud.investigate'))
  );
drop policy if exists "Users add wallets" on crypto_wallets;
create policy "Users add wallets" on crypto_wallets
  for insert to authenticated
  with check (user_id = (select auth.uid()));
drop policy if exists "Users rename their wallets" on crypto_wallets;
create policy "Users rename their wallets" on crypto_wallets
  for update to authenticated
  using (user_id = (select auth.uid()))
  with check (user_id = (select auth.uid()));
drop policy if exists "Users delete their wallets" on crypto_wallets;
create policy "Users delete their wallets" on crypto_wallets
  for delete to authenticated
  using (user_id = (select auth.uid()));

drop policy if exists "Who reads a payment reads its crypto side" on crypto_payments;
create policy "Who reads a payment reads its crypto side" on crypto_payments
  for select to authenticated
  using (exists (select from payments where id = payment_id));

grant select, update (sync_enabled), delete on calendar_connections to authenticated;

grant select on calendar_events to authenticated;

drop policy if exists "Users read their calendar connections" on calendar_connections;
create policy "Users read their calendar connections" on calendar_connections
  for select to authenticated
  using (user_id = (select auth.uid()));
drop policy if exists "Users switch their calendar connections" on calendar_connections;
create policy "Users switch their calendar connections" on calendar_connections
  for update to authenticated
  using (user_id = (select auth.uid()))
  with check (user_id = (select auth.uid()));
drop policy if exists "Users delete their calendar connections" on calendar_connections;
create policy "Users delete their calendar connections" on calendar_connections
  for delete to authenticated
  using (user_id = (select auth.uid()));

drop policy if exists "Users read appointments of their connections" on calendar_events;
create policy "Users read appointments of their connections" on calendar_events
  for select to authenticated
  using (exists (select from calendar_connections where id = connection_id));

grant select on fraud_rules, fraud_signals, fraud_cases to authenticated;

drop policy if exists "Investigators read rules" on fraud_rules;
create policy "Investigators read rules" on fraud_rules
  for select to authenticated
  using ((select app_private.has_permission('fraud.investigate')));

drop policy if exists "Investigators read signals" on fraud_signals;
create policy "Investigators read signals" on fraud_signals
  for select to authenticated
  using ((select app_private.has_permission('fraud.investigate')));

drop policy if exists "Investigators read cases" on fraud_cases;
create policy "Investigators read cases" on fraud_cases
  for select to authenticated
  using (
    (select app_private.has_permission('fraud.investigate')) and user_id <> (select auth.uid())
  );

grant insert (code, description, condition, severity, weight, is_active), update (description,
  condition, severity, weight, is_active) on fraud_rules to authenticated;

drop policy if exists "Staff add fraud rules" on fraud_rules;
create policy "Staff add fraud rules" on fraud_rules
  for insert to authenticated
  with check ((select app_private.has_permission('fraud.investigate')));
drop policy if exists "Staff change fraud rules" on fraud_rules;
create policy "Staff change fraud rules" on fraud_rules
  for update to authenticated
  using ((select app_private.has_permission('fraud.investigate')))
  with check ((select app_private.has_permission('fraud.investigate')));

grant insert (user_id, assigned_to), update (status, assigned_to, conclusion, closed_at)
  on fraud_cases to authenticated;

drop policy if exists "Investigators open cases on others" on fraud_cases;
create policy "Investigators open cases on others" on fraud_cases
  for insert to authenticated
  with check (
    (select app_private.has_permission('fraud.investigate')) and user_id <> (select auth.uid())
  );
drop policy if exists "Investigators work on cases on others" on fraud_cases;
create policy "Investigators work on cases on others" on fraud_cases
  for update to authenticated
  using (
    (select app_private.has_permission('fraud.investigate')) and user_id <> (select auth.uid())
  )
  with check (
    (select app_private.has_permission('fraud.investigate')) and user_id <> (select auth.uid())
  );

grant select, insert (owner_id, bucket, path, name, media_type, size_bytes), delete on files
  to authenticated;

grant select, insert (file_id, message_id, event_id, contract_id), delete on attachments
  to authenticated;

drop policy if exists "Users read their files, and those attached to what they read" on files;
create policy "Users read their files, and those attached to what they read" on files
  for select to authenticated
  using (
    owner_id = (select auth.uid())
    or exists (select from attachments where file_id = files.id)
  );
drop policy if exists "Users register files in a folder of their own" on files;
create policy "Users register files in a folder of their own" on files
  for insert to authenticated
  with check (
    owner_id = (select auth.uid())
    and starts_with(path, (select auth.uid())::text || '/')
  );
drop policy if exists "Users delete their files" on files;
create policy "Users delete their files" on files
  for delete to authenticated
  using (owner_id = (select auth.uid()));
drop policy if exists "Who reads the message, event or contract reads its attachments"
  on attachments;
create policy "Who reads the message, event or contract reads its attachments" on attachments
  for select to authenticated
  using (
    (message_id is not null and exists (select from messages where messages.id = message_id))
    or (event_id is not null and exists (select from events where events.id = event_id))
    or (contract_id is not null and exists (select from contracts where contracts.id = contract_id))
  );

drop policy if exists "Users attach their files to their own messages and events" on attachments;
create policy "Users attach their files to their own messages and events" on attachments
  for insert to authenticated
  with check (
    app_private.owns_file(file_id)
    and contract_id is null
    and (message_id is null or exists (
      select from messages where messages.id = message_id
         and messages.sender_id = (select auth.uid())))
    and (event_id is null or exists (
      select from events where events.id = event_id
         and events.organizer_id = (select auth.uid())))
  );
drop policy if exists "Users take their files from messages and events" on attachments;
create policy "Users take their files from messages and events" on attachments
  for delete to authenticated
  using (app_private.owns_file(file_id) and contract_id is null);

grant select, insert (organization_id, url, topics, is_active), update (url, topics, is_active),
  delete on webhook_endpoints to authenticated;

grant select on webhook_deliveries to authenticated;

drop policy if exists "Owners and admins read endpoints" on webhook_endpoints;
create policy "Owners and admins read endpoints" on webhook_endpoints
  for select to authenticated
  using (organization_id in (select app_private.my_organization_ids('{owner,admin}')));
drop policy if exists "Owners and admins add endpoints" on webhook_endpoints;
create policy "Owners and admins add endpoints" on webhook_endpoints
  for insert to authenticated
  with check (organization_id in (select app_private.my_organization_ids('{owner,admin}')));
drop policy if exists "Owners and admins change endpoints" on webhook_endpoints;
create policy "Owners and admins change endpoints" on webhook_endpoints
  for update to authenticated
  using (organization_id in (select app_private.my_organization_ids('{owner,admin}')))
  with check (organization_id in (select app_private.my_organization_ids('{owner,admin}')));
drop policy if exists "Owners and admins delete endpoints" on webhook_endpoints;
create policy "Owners and admins delete endpoints" on webhook_endpoints
  for delete to authenticated
  using (organization_id in (select app_private.my_organization_ids('{owner,admin}')));

drop policy if exists "Who reads an endpoint reads its deliveries" on webhook_deliveries;
create policy "Who reads an endpoint reads its deliveries" on webhook_deliveries
  for select to authenticated
  using (exists (select from webhook_endpoints where id = endpoint_id));

-- The functions of the API. Those in public run as the caller and only call; those in app_private
-- do the work as the owner, check who calls, and are out of reach for anyone who is not signed in.

create or replace function app_private.require(allowed boolean) returns void
language plpgsql
set search_path = ''
as $$
begin
  if allowed is not true then
    raise exception 'You may not do this' using errcode = '42501';
  end if;
end
$$;
comment on function app_private.require(boolean) is 'Refuses what the caller has no right to';

create or replace function app_private.register_celebrity(
  new_slug text, new_stage_name text, new_country text
) returns uuid
language plpgsql security definer
set search_path = ''
as $$
declare
  celebrity uuid;
begin
  perform app_private.require(auth.uid() is not null and not app_private.is_locked_out());
  insert into public.celebrities (slug, stage_name, country_code)
  values (new_slug, new_stage_name, new_country)
  returning id into celebrity;
  insert into public.celebrity_representatives
    (celebrity_id, user_id, kind, status, can_edit_profile, can_negotiate, can_sign,
     can_see_finances)
  values (celebrity, auth.uid(), 'self', 'active', true, true, true, true);
  return celebrity;
end
$$;

create or replace function app_private.accept_invitation(organization uuid) returns void
language plpgsql security definer
set search_path = ''
as $$
begin
  perform app_private.require(not app_private.is_locked_out());
  update public.organization_members
     set status = 'active', joined_at = now()
   where organization_id = organization and user_id = auth.uid() and status = 'invited';
  perform app_private.require(found);
end
$$;

create or replace function app_private.accept_representation(celebrity uuid) returns void
language plpgsql security definer
set search_path = ''
as $$
begin
  perform app_private.require(not app_private.is_locked_out());
  update public.celebrity_representatives
     set status = 'active'
   where celebrity_id = celebrity and user_id = auth.uid() and status = 'invited';
  perform app_private.require(found);
end
$$;

create or replace function app_private.accept_offer(offer uuid) returns uuid
language plpgsql security definer
set search_path = ''
as $$
declare
  accepted public.booking_offers;
  request public.booking_requests;
  caller_side public.party_side;
  booking public.bookings;
  tax numeric;
  parts bigint[];
begin
  perform app_private.require(not app_private.is_locked_out());
  -- The request first, as making an offer locks it first; then nobody else decides about it.
  perform
    from public.booking_requests
   where id = (select request_id from public.booking_offers where id = offer)
     for no key update;
  select * into accepted from public.booking_offers where id = offer;
  select * into request from public.booking_requests where id = accepted.request_id;
  caller_side := app_private.request_side(request.id);
  perform app_private.require(caller_side <> accepted.side);
  if accepted.status <> 'open' or accepted.expires_at <= now() then
    raise exception 'The offer is no longer open' using errcode = '23514';
  end if;

  insert into public.bookings
    (offer_id, customer_id, organization_id, celebrity_id, service_type_id, event_id,
     starts_at, ends_at, currency_code)
  values
    (offer, request.customer_id, request.organization_id, request.celebrity_id,
     request.service_type_id, request.event_id,
     accepted.starts_at, accepted.ends_at, accepted.currency_code)
  returning * into booking;

  -- Taxed where it takes place, else where the customer is.
  select app_private.tax_rate(
           coalesce(venue.country_code, organization.country_code, profile.country_code),
           accepted.starts_at::date)
    into tax
    from (select) as one
    left join public.events event on event.id = request.event_id
    left join public.venues venue on venue.id = event.venue_id
    left join public.organizations organization on organization.id = request.organization_id
    left join public.user_profiles profile on profile.user_id = request.customer_id;
  insert into public.booking_items (booking_id, description, unit_price_minor, tax_rate)
  select booking.id, name, accepted.amount_minor, tax
    from public.service_types
   where id = request.service_type_id;
  select * into booking from public.bookings where id = booking.id;

  -- The platform's and the representatives' parts, and the celebrity's, which is the rest.
  with shares as (
    select 'platform'::public.beneficiary as beneficiary, null::uuid as celebrity_id,
           null::uuid as representative_id,
           app_private.setting('platform_commission_percent') as rate
    union all
    select 'representative', celebrity_id, user_id, commission_rate
      from public.celebrity_representatives
     where celebrity_id = booking.celebrity_id and status = 'active' and commission_rate > 0
       and (ends_on is null or ends_on > current_date)
  ), complete as (
    select * from shares
    union all
    select 'celebrity', booking.celebrity_id, null, 100 - sum(rate) from shares
  ), numbered as (
    select *, row_number() over (order by beneficiary, representative_id) as position
      from complete
  ), split as (
    select app_private.split_minor(booking.subtotal_minor, array_agg(rate order by position))
           as amounts
      from numbered
  )
  insert into public.commissions
    (booking_id, currency_code, beneficiary, celebrity_id, representative_id, rate, amount_minor)
  select booking.id, booking.currency_code, beneficiary, celebrity_id, representative_id, rate,
         amounts[position]
    from numbered, split;

  select app_private.split_minor(booking.total_minor, array[percent, 100 - percent])
    into parts
    from (select app_private.setting('deposit_percent') as percent) as settings;
  insert into public.invoices (booking_id, kind, currency_code, amount_minor, due_on)
  values
    (booking.id, 'deposit', booking.currency_code, parts[1], current_date + 7),
    (booking.id, 'balance', booking.currency_code, parts[2],
     greatest(current_date, booking.starts_at::date - 14));

  insert into public.rider_items (celebrity_id, booking_id, kind, requirement, is_mandatory)
  select celebrity_id, booking.id, kind, requirement, is_mandatory
    from public.rider_items
   where celebrity_id = booking.celebrity_id and booking_id is null;

  insert into public.contracts (booking_id, status, body)
  select booking.id, 'sent', format(
           E'%s engages %s for %s.\nFrom %s to %s.\nFee before tax: %s %s.\n\n%s',
           request.requester_name, celebrity.stage_name, service.name,
           to_char(booking.starts_at at time zone 'UTC', 'YYYY-MM-DD HH24:MI "UTC"'),
           to_char(booking.ends_at at time zone 'UTC', 'YYYY-MM-DD HH24:MI "UTC"'),
           booking.currency_code,
           round(booking.subtotal_minor / power(10::numeric, currency.minor_unit_digits),
                 currency.minor_unit_digits),
           coalesce(accepted.terms, ''))
    from public.celebrities celebrity, public.service_types service, public.currencies currency
   where celebrity.id = booking.celebrity_id and service.id = booking.service_type_id
     and currency.code = booking.currency_code;

  update public.booking_offers set status = 'accepted' where id = offer;
  update public.booking_requests set status = 'accepted' where id = request.id;
  return booking.id;
end
$$;

create or replace function app_private.decline_offer(offer uuid) returns void
language plpgsql security definer
set search_path = ''
as $$
declare
  caller_side public.party_side;
begin
  perform app_private.require(not app_private.is_locked_out());
  perform
    from public.booking_requests
   where id = (select request_id from public.booking_offers where id = offer)
     for no key update;
  select app_private.request_side(request_id) into caller_side
    from public.booking_offers
   where id = offer;
  perform app_private.require(caller_side is not null);
  update public.booking_offers
     set status = case when side = caller_side then 'withdrawn'::public.offer_status
                       else 'declined' end
   where id = offer and status = 'open';
  if not found then
    raise exception 'The offer is no longer open' using errcode = '23514';
  end if;
end
$$;

create or replace function app_private.close_request(request uuid) returns void
language plpgsql security definer
set search_path = ''
as $$
declare
  caller_side public.party_side;
begin
  perform app_private.require(not app_private.is_locked_out());
  perform from public.booking_requests where id = request for no key update;
  caller_side := app_private.request_side(request);
  perform app_private.require(caller_side is not null);
  update public.booking_requests
     set status = case caller_side when 'customer' then 'withdrawn'::public.request_status
                                   else 'declined' end
   where id = request and status in ('open', 'negotiating');
  if not found then
    raise exception 'The request is closed already' using errcode = '23514';
  end if;
  update public.booking_offers
     set status = case when side = caller_side then 'withdrawn'::public.offer_status
                       else 'declined' end
   where request_id = request and status = 'open';
end
$$;

create or replace function app_private.set_booking_status(
  booking uuid, new_status public.booking_status, reason text
) returns void
language plpgsql security definer
set search_path = ''
as $$
declare
  caller_side public.party_side := app_private.booking_side(booking);
  present public.bookings;
begin
  perform app_private.require(caller_side is not null and not app_private.is_locked_out());
  select * into present from public.bookings where id = booking for no key update;
  perform app_private.require(
    caller_side = 'platform'
    or (present.status in ('pending', 'confirmed') and new_status = 'cancelled')
    or (caller_side = 'customer' and new_status = 'disputed')
    or (caller_side = 'celebrity' and present.status <> 'disputed'
        and (new_status = 'confirmed'
             or (new_status in ('in_progress', 'completed') and present.starts_at <= now()))));
  update public.bookings set status = new_status, status_reason = reason where id = booking;
end
$$;

create or replace function app_private.sign_contract(contract uuid) returns void
language plpgsql security definer
set search_path = ''
as $$
declare
  signed public.contracts;
  party public.bookings;
begin
  perform app_private.require(not app_private.is_locked_out());
  select * into signed from public.contracts where id = contract for no key update;
  select * into party from public.bookings where id = signed.booking_id;
  if signed.status <> 'sent' then
    raise exception 'The contract is not open for signing' using errcode = '23514';
  end if;
  if party.celebrity_id in (select app_private.my_celebrity_ids('sign')) then
    signed.celebrity_signed_by := auth.uid();
    signed.celebrity_signed_at := now();
  elsif party.customer_id = auth.uid()
     or party.organization_id in (select app_private.my_organization_ids('{owner,admin,booker}'))
  then
    signed.customer_signed_by := auth.uid();
    signed.customer_signed_at := now();
  else
    perform app_private.require(false);
  end if;
  update public.contracts
     set customer_signed_by = signed.customer_signed_by,
         customer_signed_at = signed.customer_signed_at,
         celebrity_signed_by = signed.celebrity_signed_by,
         celebrity_signed_at = signed.celebrity_signed_at,
         status = case when signed.customer_signed_at is not null
                        and signed.celebrity_signed_at is not null
                       then 'signed'::public.contract_status else status end
   where id = contract;
end
$$;

create or replace function app_private.reply_to_review(review uuid, reply text) returns void
language plpgsql security definer
set search_path = ''
as $$
begin
  perform app_private.require(not app_private.is_locked_out());
  update public.reviews
     set response = reply
   where id = review and status = 'approved'
     and celebrity_id in (select app_private.my_celebrity_ids('edit'));
  perform app_private.require(found);
end
$$;

create or replace function app_private.moderate_review(
  review uuid, decision public.review_status
) returns void
language plpgsql security definer
set search_path = ''
as $$
begin
  perform app_private.require(
    app_private.has_permission('reviews.moderate') and not app_private.is_locked_out());
  update public.reviews
     set status = decision, published_at = case when decision = 'approved' then now() end
   where id = review;
  perform app_private.require(found);
end
$$;

create or replace function app_private.set_celebrity_status(
  celebrity uuid, new_status public.celebrity_status
) returns void
language plpgsql security definer
set search_path = ''
as $$
declare
  is_staff boolean := app_private.has_permission('celebrities.manage');
  present public.celebrity_status;
begin
  perform app_private.require(not app_private.is_locked_out());
  select status into present from public.celebrities where id = celebrity for no key update;
  perform app_private.require(
    is_staff
    or (celebrity in (select app_private.my_celebrity_ids('edit'))
        and (present, new_status) in (
          ('draft', 'in_review'), ('active', 'paused'), ('paused', 'active'))));
  update public.celebrities
     set status = new_status,
         verified_at = case when is_staff and new_status = 'active'
                            then coalesce(verified_at, now()) else verified_at end
   where id = celebrity;
end
$$;

create or replace function app_private.set_user_status(
  account uuid, new_status public.account_status
) returns void
language plpgsql security definer
set search_path = ''
as $$
begin
  perform app_private.require(
    app_private.has_permission('users.manage') and account <> auth.uid()
    and not app_private.is_locked_out());
  update public.app_users set status = new_status where id = account;
  perform app_private.require(found);
end
$$;

create or replace function app_private.set_venue_listed(venue uuid, listed boolean) returns void
language plpgsql security definer
set search_path = ''
as $$
begin
  perform app_private.require(
    app_private.has_permission('catalogue.manage') and not app_private.is_locked_out());
  update public.venues set is_listed = listed where id = venue;
  perform app_private.require(found);
end
$$;

create or replace function app_private.celebrity_busy_times(
  celebrity uuid, from_time timestamptz, to_time timestamptz
) returns table (starts_at timestamptz, ends_at timestamptz)
language sql stable security definer
set search_path = ''
as $$
  select lower(busy), upper(busy)
    from unnest((
      select range_agg(during * tstzrange(from_time, to_time))
        from (
          select b.during
            from public.bookings b
           where b.celebrity_id = celebrity and b.status <> 'cancelled'
          union all
          select a.during
            from public.availability_blocks a
           where a.celebrity_id = celebrity and a.kind <> 'tentative'
        ) as taken
       where during && tstzrange(from_time, to_time)
         and not app_private.is_locked_out()
         and (exists (select from public.celebrities where id = celebrity and status = 'active')
              or celebrity in (select app_private.my_celebrity_ids()))
    )) as busy
$$;

create or replace function register_celebrity(slug text, stage_name text, country_code text)
returns uuid language sql set search_path = ''
as 'select app_private.register_celebrity($1, $2, $3)';
comment on function register_celebrity(text, text, text) is
  'Makes a profile, as a draft, for the celebrity that the caller is';

create or replace function accept_invitation(organization_id uuid)
returns void language sql set search_path = ''
as 'select app_private.accept_invitation($1)';
comment on function accept_invitation(uuid) is 'Joins an organisation that invited the caller';

create or replace function accept_representation(celebrity_id uuid)
returns void language sql set search_path = ''
as 'select app_private.accept_representation($1)';
comment on function accept_representation(uuid) is
  'Begins to represent a celebrity who appointed the caller';

create or replace function accept_offer(offer_id uuid)
returns uuid language sql set search_path = ''
as 'select app_private.accept_offer($1)';
comment on function accept_offer(uuid) is
  'Accepts the other side''s offer: makes the booking with its items, shares, invoices, rider and '
  'contract, and returns its id';

create or replace function decline_offer(offer_id uuid)
returns void language sql set search_path = ''
as 'select app_private.decline_offer($1)';
comment on function decline_offer(uuid) is
  'Declines the other side''s offer, or withdraws one''s own';

create or replace function close_request(request_id uuid)
returns void language sql set search_path = ''
as 'select app_private.close_request($1)';
comment on function close_request(uuid) is
  'Ends a negotiation: withdraws as the customer''s side, declines as the celebrity''s';

create or replace function set_booking_status(
  booking_id uuid, status booking_status, reason text default null
) returns void language sql set search_path = ''
as 'select app_private.set_booking_status($1, $2, $3)';
comment on function set_booking_status(uuid, booking_status, text) is
  'Moves a booking on: the celebrity''s side confirms, begins and completes it, either side '
  'cancels it before it begins, the customer''s side disputes it; staff may do all of it';

create or replace function sign_contract(contract_id uuid)
returns void language sql set search_path = ''
as 'select app_private.sign_contract($1)';
comment on function sign_contract(uuid) is 'Signs a contract for the side that the caller acts for';

create or replace function reply_to_review(review_id uuid, response text)
returns void language sql set search_path = ''
as 'select app_private.reply_to_review($1, $2)';
comment on function reply_to_review(uuid, text) is 'Answers an approved review in public';

create or replace function moderate_review(review_id uuid, status review_status)
returns void language sql set search_path = ''
as 'select app_private.moderate_review($1, $2)';
comment on function moderate_review(uuid, review_status) is 'Staff publish or reject a review';

create or replace function set_celebrity_status(celebrity_id uuid, status celebrity_status)
returns void language sql set search_path = ''
as 'select app_private.set_celebrity_status($1, $2)';
comment on function set_celebrity_status(uuid, celebrity_status) is
  'Representatives submit a draft, pause and resume; staff verify, publish and retire';

create or replace function set_user_status(user_id uuid, status account_status)
returns void language sql set search_path = ''
as 'select app_private.set_user_status($1, $2)';
comment on function set_user_status(uuid, account_status) is
  'Staff suspend, close and restore the accounts of others';

create or replace function set_venue_listed(venue_id uuid, is_listed boolean)
returns void language sql set search_path = ''
as 'select app_private.set_venue_listed($1, $2)';
comment on function set_venue_listed(uuid, boolean) is 'Staff show a venue to all users';

create or replace function celebrity_busy_times(
  celebrity_id uuid, from_time timestamptz, to_time timestamptz
) returns table (starts_at timestamptz, ends_at timestamptz)
language sql stable set search_path = ''
as 'select * from app_private.celebrity_busy_times($1, $2, $3)';
comment on function celebrity_busy_times(uuid, timestamptz, timestamptz) is
  'When a celebrity cannot come, without saying why: no user sees where a celebrity is';

create or replace function unread_messages()
returns table (conversation_id uuid, unread bigint)
language sql stable set search_path = ''
as $$
  select m.conversation_id, count(*)
    from public.messages m
   where m.conversation_id = any (array(select app_private.my_conversation_ids()))
     and m.read_at is null
     and m.sender_side <> app_private.message_side(m.conversation_id)
   group by m.conversation_id
$$;
comment on function unread_messages() is 'How many messages the caller''s sides have not read';

create or replace function search_celebrities(
  category text, service text, currency text, max_amount_minor bigint,
  min_amount_minor bigint default 0, page_size integer default 50
) returns table (
  id uuid, slug text, stage_name text, amount_minor bigint, unit rate_unit
)
language sql stable set search_path = ''
as $$
  select c.id, c.slug, c.stage_name, r.amount_minor, r.unit
    from public.celebrity_rates r
    join public.celebrities c on c.id = r.celebrity_id
    join public.celebrity_categories cc on cc.celebrity_id = r.celebrity_id
   where r.is_active
     and r.service_type_id = (select s.id from public.service_types s where s.slug = service)
     and r.currency_code = currency
     and r.amount_minor between min_amount_minor and max_amount_minor
     and cc.category_id = (select k.id from public.categories k where k.slug = category)
     and c.status = 'active'
   order by r.amount_minor, c.id
   limit least(page_size, 200)
$$;
comment on function search_celebrities(text, text, text, bigint, bigint, integer) is
  'Active celebrities of a category with a service for a price, cheapest first';

create or replace function find_celebrities(beginning text, page_size integer default 20)
returns table (id uuid, slug text, stage_name text, headline text)
language sql stable set search_path = ''
as $$
  select c.id, c.slug, c.stage_name, c.headline
    from public.celebrities c
   where c.sort_name >= lower(beginning) collate "C"
     and c.sort_name < (lower(beginning) || U&'\+10FFFF') collate "C"
     and c.status = 'active'
   order by c.sort_name
   limit least(page_size, 100)
$$;
comment on function find_celebrities(text, integer) is
  'Active celebrities whose name begins like this: completion in the search box';

-- Default privileges grant functions in public to anon by name.
do $$
declare
  target regprocedure;
begin
  foreach target in array array[
    'register_celebrity(text, text, text)', 'accept_invitation(uuid)',
    'accept_representation(uuid)', 'accept_offer(uuid)', 'decline_offer(uuid)',
    'close_request(uuid)', 'set_booking_status(uuid, booking_status, text)',
    'sign_contract(uuid)', 'reply_to_review(uuid, text)', 'moderate_review(uuid, review_status)',
    'set_celebrity_status(uuid, celebrity_status)', 'set_user_status(uuid, account_status)',
    'set_venue_listed(uuid, boolean)',
    'celebrity_busy_times(uuid, timestamptz, timestamptz)', 'unread_messages()',
    'search_celebrities(text, text, text, bigint, bigint, integer)',
    'find_celebrities(text, integer)']::regprocedure[]
  loop
    execute format('revoke all on function %s from public, anon, service_role', target);
    execute format('grant execute on function %s to authenticated', target);
  end loop;

  -- What the functions above call.
  for target in
    select p.oid
      from pg_proc p
     where pronamespace = 'app_private'::regnamespace
       and proname in (
         'register_celebrity', 'accept_invitation', 'accept_representation', 'accept_offer',
         'decline_offer', 'close_request', 'set_booking_status', 'sign_contract',
         'reply_to_review', 'moderate_review', 'set_celebrity_status', 'set_user_status',
         'set_venue_listed', 'celebrity_busy_times')
  loop
    execute format('revoke all on function %s from public', target);
    execute format('grant execute on function %s to authenticated', target);
  end loop;
  revoke all on function app_private.require(boolean) from public;
end
$$;

-- Chats and bookings are shown live: Realtime asks the policies above.
do $$
declare
  target text;
begin
  if exists (select from pg_publication where pubname = 'supabase_realtime' and not puballtables)
  then
    foreach target in array array['conversations', 'messages', 'bookings'] loop
      if not exists (
        select
          from pg_publication_tables
         where pubname = 'supabase_realtime' and schemaname = 'public' and tablename = target)
      then
        execute format('alter publication supabase_realtime add table public.%I', target);
      end if;
    end loop;
  end if;
end
$$;

-- Essential data. What is there stays as it is: staff may have changed it.

insert into currencies (code, name, minor_unit_digits, symbol) values
  ('AED', 'UAE dirham', 2, 'AED'), ('ARS', 'Argentine peso', 2, 'AR$'),
  ('AUD', 'Australian dollar', 2, 'A$'), ('BHD', 'Bahraini dinar', 3, 'BD'),
  ('BRL', 'Brazilian real', 2, 'R$'), ('CAD', 'Canadian dollar', 2, 'CA$'),
  ('CHF', 'Swiss franc', 2, 'CHF'), ('CLP', 'Chilean peso', 0, 'CL$'),
  ('CNY', 'Chinese yuan', 2, 'CN¥'), ('COP', 'Colombian peso', 2, 'CO$'),
  ('CZK', 'Czech koruna', 2, 'Kč'), ('DKK', 'Danish krone', 2, 'kr.'), ('EUR', 'Euro', 2, '€'),
  ('GBP', 'Pound sterling', 2, '£'), ('HKD', 'Hong Kong dollar', 2, 'HK$'),
  ('HUF', 'Hungarian forint', 2, 'Ft'), ('IDR', 'Indonesian rupiah', 2, 'Rp'),
  ('ILS', 'Israeli new shekel', 2, '₪'), ('INR', 'Indian rupee', 2, '₹'),
  ('JPY', 'Japanese yen', 0, '¥'), ('KRW', 'South Korean won', 0, '₩'),
  ('KWD', 'Kuwaiti dinar', 3, 'KD'), ('MXN', 'Mexican peso', 2, 'MX$'),
  ('MYR', 'Malaysian ringgit', 2, 'RM'), ('NGN', 'Nigerian naira', 2, '₦'),
  ('NOK', 'Norwegian krone', 2, 'kr'), ('NZD', 'New Zealand dollar', 2, 'NZ$'),
  ('PHP', 'Philippine peso', 2, '₱'), ('PLN', 'Polish zloty', 2, 'zł'),
  ('QAR', 'Qatari riyal', 2, 'QR'), ('SAR', 'Saudi riyal', 2, 'SR'),
  ('SEK', 'Swedish krona', 2, 'kr'), ('SGD', 'Singapore dollar', 2, 'S$'),
  ('THB', 'Thai baht', 2, '฿'), ('TRY', 'Turkish lira', 2, '₺'), ('USD', 'US dollar', 2, '$'),
  ('VND', 'Vietnamese dong', 0, '₫'), ('ZAR', 'South African rand', 2, 'R')
on conflict do nothing;

insert into countries (code, name)
select left(entry, 2), substr(entry, 4)
  from regexp_split_to_table(btrim('
  AD Andorra; AE United Arab Emirates; AF Afghanistan; AG Antigua and Barbuda; AI Anguilla;
  AL Albania; AM Armenia; AO Angola; AQ Antarctica; AR Argentina; AS American Samoa; AT Austria;
  AU Australia; AW Aruba; AX Åland Islands; AZ Azerbaijan; BA Bosnia and Herzegovina;
  BB Barbados; BD Bangladesh; BE Belgium; BF Burkina Faso; BG Bulgaria; BH Bahrain; BI Burundi;
  BJ Benin; BL Saint Barthélemy; BM Bermuda; BN Brunei; BO Bolivia; BQ Caribbean Netherlands;
  BR Brazil; BS Bahamas; BT Bhutan; BV Bouvet Island; BW Botswana; BY Belarus; BZ Belize;
  CA Canada; CC Cocos (Keeling) Islands; CD Congo (Democratic Republic);
  CF Central African Republic; CG Congo; CH Switzerland; CI Côte d''Ivoire; CK Cook Islands;
  CL Chile; CM Cameroon; CN China; CO Colombia; CR Costa Rica; CU Cuba; CV Cabo Verde;
  CW Curaçao; CX Christmas Island; CY Cyprus; CZ Czechia; DE Germany; DJ Djibouti; DK Denmark;
  DM Dominica; DO Dominican Republic; DZ Algeria; EC Ecuador; EE Estonia; EG Egypt;
  EH Western Sahara; ER Eritrea; ES Spain; ET Ethiopia; FI Finland; FJ Fiji;
  FK Falkland Islands; FM Micronesia; FO Faroe Islands; FR France; GA Gabon; GB United Kingdom;
  GD Grenada; GE Georgia; GF French Guiana; GG Guernsey; GH Ghana; GI Gibraltar; GL Greenland;
  GM Gambia; GN Guinea; GP Guadeloupe; GQ Equatorial Guinea; GR Greece;
  GS South Georgia and the South Sandwich Islands; GT Guatemala; GU Guam; GW Guinea-Bissau;
  GY Guyana; HK Hong Kong; HM Heard Island and McDonald Islands; HN Honduras; HR Croatia;
  HT Haiti; HU Hungary; ID Indonesia; IE Ireland; IL Israel; IM Isle of Man; IN India;
  IO British Indian Ocean Territory; IQ Iraq; IR Iran; IS Iceland; IT Italy; JE Jersey;
  JM Jamaica; JO Jordan; JP Japan; KE Kenya; KG Kyrgyzstan; KH Cambodia; KI Kiribati;
  KM Comoros; KN Saint Kitts and Nevis; KP North Korea; KR South Korea; KW Kuwait;
  KY Cayman Islands; KZ Kazakhstan; LA Laos; LB Lebanon; LC Saint Lucia; LI Liechtenstein;
  LK Sri Lanka; LR Liberia; LS Lesotho; LT Lithuania; LU Luxembourg; LV Latvia; LY Libya;
  MA Morocco; MC Monaco; MD Moldova; ME Montenegro; MF Saint Martin; MG Madagascar;
  MH Marshall Islands; MK North Macedonia; ML Mali; MM Myanmar; MN Mongolia; MO Macao;
  MP Northern Mariana Islands; MQ Martinique; MR Mauritania; MS Montserrat; MT Malta;
  MU Mauritius; MV Maldives; MW Malawi; MX Mexico; MY Malaysia; MZ Mozambique; NA Namibia;
  NC New Caledonia; NE Niger; NF Norfolk Island; NG Nigeria; NI Nicaragua; NL Netherlands;
  NO Norway; NP Nepal; NR Nauru; NU Niue; NZ New Zealand; OM Oman; PA Panama; PE Peru;
  PF French Polynesia; PG Papua New Guinea; PH Philippines; PK Pakistan; PL Poland;
  PM Saint Pierre and Miquelon; PN Pitcairn; PR Puerto Rico; PS Palestine; PT Portugal;
  PW Palau; PY Paraguay; QA Qatar; RE Réunion; RO Romania; RS Serbia; RU Russia; RW Rwanda;
  SA Saudi Arabia; SB Solomon Islands; SC Seychelles; SD Sudan; SE Sweden; SG Singapore;
  SH Saint Helena, Ascension and Tristan da Cunha; SI Slovenia; SJ Svalbard and Jan Mayen;
  SK Slovakia; SL Sierra Leone; SM San Marino; SN Senegal; SO Somalia; SR Suriname;
  SS South Sudan; ST São Tomé and Príncipe; SV El Salvador; SX Sint Maarten; SY Syria;
  SZ Eswatini; TC Turks and Caicos Islands; TD Chad; TF French Southern Territories; TG Togo;
  TH Thailand; TJ Tajikistan; TK Tokelau; TL Timor-Leste; TM Turkmenistan; TN Tunisia; TO Tonga;
  TR Türkiye; TT Trinidad and Tobago; TV Tuvalu; TW Taiwan; TZ Tanzania; UA Ukraine; UG Uganda;
  UM United States Minor Outlying Islands; US United States; UY Uruguay; UZ Uzbekistan;
  VA Holy See; VC Saint Vincent and the Grenadines; VE Venezuela; VG British Virgin Islands;
  VI United States Virgin Islands; VN Viet Nam; VU Vanuatu; WF Wallis and Futuna; WS Samoa;
  YE Yemen; YT Mayotte; ZA South Africa; ZM Zambia; ZW Zimbabwe
', E'\n '), ';\s+') as entries (entry)
on conflict do nothing;

insert into categories (slug, name, position) values
  ('music', 'Music', 10), ('film-and-tv', 'Film and TV', 20), ('sports', 'Sports', 30),
  ('comedy', 'Comedy', 40), ('speakers', 'Speakers', 50), ('business', 'Business', 60),
  ('creators', 'Creators', 70), ('fashion', 'Fashion', 80), ('food', 'Food', 90),
  ('arts', 'Arts and literature', 100), ('science', 'Science', 110), ('politics', 'Politics', 120)
on conflict do nothing;

insert into service_types (slug, name, default_unit, is_in_person) values
  ('appearance', 'Personal appearance', 'event', true),
  ('performance', 'Performance', 'event', true),
  ('keynote', 'Keynote speech', 'event', true),
  ('hosting', 'Hosting', 'event', true),
  ('meet-and-greet', 'Meet and greet', 'hour', true),
  ('photo-shoot', 'Photo shoot', 'day', true),
  ('virtual-event', 'Virtual event', 'hour', false),
  ('video-message', 'Video message', 'item', false),
  ('endorsement', 'Endorsement', 'item', false)
on conflict do nothing;

insert into permissions (code, description) values
  ('analytics.read', 'Read the figures of the whole platform'),
  ('audit.read', 'Read the audit log'),
  ('bookings.manage', 'Read all requests and bookings, and move bookings on'),
  ('catalogue.manage', 'Keep categories, services, currencies and venues'),
  ('celebrities.manage', 'Verify, publish and correct profiles'),
  ('finance.manage', 'Keep tax rates'),
  ('finance.read', 'Read invoices, payments, commissions, payouts and the books'),
  ('fraud.investigate', 'Keep fraud rules and work on cases'),
  ('messages.support', 'Read conversations and answer for support'),
  ('organizations.manage', 'Read and correct organisations'),
  ('reviews.moderate', 'Publish and reject reviews'),
  ('roles.assign', 'Make users staff'),
  ('settings.manage', 'Change settings'),
  ('users.manage', 'Suspend and close accounts'),
  ('users.read', 'Read accounts and profiles')
on conflict do nothing;

insert into roles (code, name, description) values
  ('administrator', 'Administrator', 'May do everything staff can do'),
  ('analyst', 'Analyst', 'Reads figures'),
  ('finance', 'Finance', 'Follows the money'),
  ('fraud_investigator', 'Fraud investigator', 'Looks into suspicions'),
  ('moderator', 'Moderator', 'Decides what is published'),
  ('support', 'Support', 'Helps customers and celebrities')
on conflict do nothing;

-- For roles that have none yet: what was taken from a role is not given back.
insert into role_permissions (role_code, permission_code)
select role_code, permission_code
  from (
    select 'administrator', code from permissions
    union all
    select role_code, permission_code
      from (values
        ('analyst', array['analytics.read']),
        ('finance', array['finance.read', 'finance.manage', 'analytics.read']),
        ('fraud_investigator', array['fraud.investigate', 'finance.read', 'users.read']),
        ('moderator', array['reviews.moderate', 'celebrities.manage', 'catalogue.manage']),
        ('support', array[
          'messages.support', 'bookings.manage', 'organizations.manage', 'users.read'])
      ) as roles (role_code, permission_codes),
      unnest(permission_codes) as codes (permission_code)
  ) as given (role_code, permission_code)
 where not exists (
   select from role_permissions known where known.role_code = given.role_code)
on conflict do nothing;

insert into metrics (code, name, description, grain) values
  ('bookings_completed', 'Completed bookings', 'Bookings that were completed that day', 'count'),
  ('bookings_made', 'New bookings', 'Bookings that were made that day', 'count'),
  ('gross_volume', 'Gross volume', 'Totals of the bookings made that day', 'money'),
  ('profile_views', 'Profile views', 'How often profiles were looked at', 'count'),
  ('request_conversion', 'Conversion', 'Bookings for each request', 'ratio'),
  ('response_time', 'Response time', 'From a request to the first offer, the median', 'duration')
on conflict do nothing;

insert into app_settings (key, value, description, is_public) values
  ('deposit_percent', '30', 'Part of a booking that is due at once', true),
  ('payout_delay_days', '7', 'Days between completion and payout', true),
  ('platform_commission_percent', '15', 'The platform''s part of a booking before tax', false),
  ('support_email', '"support@example.com"', 'Where users can write to', true)
on conflict do nothing;

insert into fraud_rules (code, description, condition, severity, weight) values
  ('many_cards', 'Several cards failed in one day', '{"failed_payments": 4, "within_hours": 24}',
   'high', 60),
  ('new_account_large_booking', 'A large booking by an account made today',
   '{"account_age_hours": 24, "total_minor": 1000000}', 'medium', 40),
  ('refund_pattern', 'Three refunds in a month', '{"refunds": 3, "within_days": 30}', 'medium', 30)
on conflict do nothing;

-- ============================================
-- ROLLBACK
-- ============================================

-- Everything that was made above, the last first. Nothing here cascades: where a later migration
-- or a hand still depends on something, this stops and says on what.

drop function if exists
  register_celebrity(text, text, text),
  accept_invitation(uuid),
  accept_representation(uuid),
  accept_offer(uuid),
  decline_offer(uuid),
  close_request(uuid),
  set_booking_status(uuid, booking_status, text),
  sign_contract(uuid),
  reply_to_review(uuid, text),
  moderate_review(uuid, review_status),
  set_celebrity_status(uuid, celebrity_status),
  set_user_status(uuid, account_status),
  set_venue_listed(uuid, boolean),
  celebrity_busy_times(uuid, timestamptz, timestamptz),
  unread_messages(),
  search_celebrities(text, text, text, bigint, bigint, integer),
  find_celebrities(text, integer);

-- With their indexes, triggers, policies and grants, and their places in the publication.
drop table if exists
  webhook_deliveries, webhook_endpoints, attachments, files, fraud_signals, fraud_cases,
  fraud_rules, calendar_events, calendar_connections, crypto_payments, crypto_wallets,
  payout_accounts, ledger_entries, exchange_rates, app_settings,
  analytics_events, forecasts, daily_metrics, metrics,
  email_notifications, messages, conversations,
  audit_log, api_keys, user_roles, role_permissions, permissions, roles,
  favorites, reviews, payouts, commissions, refunds, payments, invoices, rider_items, contracts,
  booking_status_history, booking_items, bookings, booking_offers, booking_requests, events,
  venues, availability_blocks, celebrity_rates, celebrity_representatives, celebrity_media,
  celebrity_categories, celebrities, service_types, categories, organization_members,
  organizations, user_profiles, app_users, tax_rates, countries, currencies;

drop function if exists
  app_private.celebrity_busy_times(uuid, timestamptz, timestamptz),
  app_private.set_venue_listed(uuid, boolean),
  app_private.set_user_status(uuid, account_status),
  app_private.set_celebrity_status(uuid, celebrity_status),
  app_private.moderate_review(uuid, review_status),
  app_private.reply_to_review(uuid, text),
  app_private.sign_contract(uuid),
  app_private.set_booking_status(uuid, booking_status, text),
  app_private.close_request(uuid),
  app_private.decline_offer(uuid),
  app_private.accept_offer(uuid),
  app_private.accept_representation(uuid),
  app_private.accept_invitation(uuid),
  app_private.register_celebrity(text, text, text),
  app_private.require(boolean),
  app_private.keep_once_set(),
  app_private.describe_message(),
  app_private.number_offer(),
  app_private.open_conversation(),
  app_private.describe_request(),
  app_private.check_ledger_balance(),
  app_private.post_payout(),
  app_private.check_payout_change(),
  app_private.post_refund(),
  app_private.reserve_refund(),
  app_private.post_payment(),
  app_private.check_payment_change(),
  app_private.check_booking_split(),
  app_private.check_commissions(),
  app_private.settle_booking(),
  app_private.sum_booking_items(),
  app_private.freeze_booking_items(),
  app_private.log_booking_status(),
  app_private.check_booking_change(),
  app_private.keep_time_free(),
  app_private.limit_commissions(),
  app_private.keep_self(),
  app_private.keep_verified_name(),
  app_private.end_verification(),
  app_private.keep_an_owner(),
  app_private.add_first_owner(),
  app_private.write_audit_log(),
  app_private.refuse_change(),
  app_private.touch_updated_at(),
  app_private.tax_rate(text, date),
  app_private.setting(text),
  app_private.split_minor(bigint, numeric[]),
  app_private.owns_file(uuid),
  app_private.may_review(uuid, uuid),
  app_private.message_side(uuid),
  app_private.booking_side(uuid),
  app_private.request_side(uuid),
  app_private.my_conversation_ids(),
  app_private.my_venue_ids(),
  app_private.my_event_ids(),
  app_private.my_celebrity_ids(text),
  app_private.may_manage_member(uuid, organization_role),
  app_private.has_members(uuid),
  app_private.my_fellow_member_ids(),
  app_private.my_organization_ids(organization_role[]),
  app_private.has_permission(text),
  app_private.is_locked_out(),
  app_private.platform_tables();

do $$
begin
  if to_regprocedure('app_private.made_btree_gist()') is not null then
    drop function app_private.made_btree_gist();
    drop extension btree_gist;
  end if;
end
$$;

drop schema if exists app_private;

drop type if exists
  delivery_status, fraud_case_status, fraud_severity, calendar_provider, crypto_network,
  metric_grain, email_status, conversation_kind, audit_action, review_status, ledger_account,
  beneficiary, payout_status, payment_status, payment_method, invoice_kind, rider_kind,
  contract_status, booking_status, offer_status, request_status, party_side, block_kind,
  rate_unit, media_kind, representative_kind, celebrity_status, membership_status,
  organization_role, organization_kind, account_status;

drop domain if exists
  sha256_digest, slug, https_url, phone_number, email_address, percentage, time_zone_name,
  language_tag, country_code, currency_code, minor_units;
