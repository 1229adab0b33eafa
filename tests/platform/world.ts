import { createHash } from "node:crypto";
import type { Sql } from "../support/session.ts";
import type { User } from "./platform.ts";

/** Two companies' worth of data that have nothing to do with each other. */
export type World = "a" | "b";

/** The people of a world: those of `a` are the ones who ask in the tests. */
export const people = [
  "customer",
  "owner",
  "viewer",
  "star",
  "agent",
  "assistant",
  "suspect",
  "staff",
] as const;

/** A key that is the same in every run. */
export function idOf(world: World | "platform", name: string): string {
  const digest = createHash("md5").update(`${world} ${name}`).digest("hex");
  return digest.replace(/^(.{8})(.{4}).(.{3}).(.{3})(.{12})$/, "$1-$2-4$3-8$4-$5");
}

/** Somebody of a world, or of the platform's own people. */
export function personOf(world: World | "platform", name: string): User {
  return { id: idOf(world, name), email: `${name}.${world}@example.com` };
}

/** Adds users that belong to no world: a stranger, and staff with the role they are named by. */
export async function addPlatformPeople(sql: Sql, names: readonly string[]): Promise<void> {
  for (const name of names) {
    await addPerson(sql, "platform", name);
    await sql(
      `insert into public.user_roles (user_id, role_code)
       select $1, code from public.roles where code = $2`,
      [idOf("platform", name), name],
    );
  }
}

async function addPerson(sql: Sql, world: World | "platform", name: string): Promise<void> {
  const { id, email } = personOf(world, name);
  await sql("insert into auth.users (id, email) values ($1, $2)", [id, email]);
  await sql("insert into public.app_users (id, email, display_name) values ($1, $2, $3)", [
    id,
    email,
    `${name} of ${world}`,
  ]);
}

/** Fills every table with rows of a world. */
export async function buildWorld(sql: Sql, world: World): Promise<void> {
  for (const name of people) await addPerson(sql, world, name);
  const text = WORLD_SQL
    .replace(/\{(\w+)\}/g, (_, name) => `'${idOf(world, name)}'`)
    .replaceAll("~", world)
    .replaceAll("#", world === "a" ? "1" : "2");
  await sql(text);
}

// {name}: a key. ~: the world's letter. #: a number for it.
const WORLD_SQL = `
  set search_path = public;
  insert into currencies values ('XX' || upper('~'), 'Coin ~', 2, '~');
  insert into countries values ('X' || upper('~'), 'Land ~');
  insert into tax_rates (id, country_code, name, rate, valid_from)
    values ({tax}, 'X' || upper('~'), 'VAT', 8.875, '2020-01-01');
  insert into categories (id, slug, name) values ({category}, 'category-~', 'Category ~');
  insert into service_types (id, slug, name, default_unit, is_in_person)
    values ({service}, 'service-~', 'Service ~', 'event', true);
  insert into user_profiles (user_id, given_name) select id, 'Given'
    from app_users where id in ({customer}, {star});
  insert into organizations (id, name, created_by) values ({organization}, 'Company ~', {owner});
  insert into organization_members (organization_id, user_id, role, status)
    values ({organization}, {customer}, 'booker', 'active'),
           ({organization}, {viewer}, 'viewer', 'active');

  insert into celebrities (id, slug, stage_name, status, verified_at)
    values ({celebrity}, 'celebrity-~', 'Celebrity ~', 'active', now());
  insert into celebrity_categories values ({celebrity}, {category}, true);
  insert into celebrity_media (celebrity_id, kind, url)
    values ({celebrity}, 'image', 'https://example.com/~.jpg');
  insert into celebrity_representatives
    (celebrity_id, user_id, kind, status, can_edit_profile, can_negotiate, can_sign,
     can_see_finances, commission_rate)
  values ({celebrity}, {star}, 'self', 'active', true, true, true, true, 0),
         ({celebrity}, {agent}, 'agent', 'active', true, true, true, false, 10),
         ({celebrity}, {assistant}, 'assistant', 'active', false, false, false, false, 0);
  insert into celebrity_rates (celebrity_id, service_type_id, currency_code, unit, amount_minor)
    values ({celebrity}, {service}, 'USD', 'event', 500000);
  insert into availability_blocks (celebrity_id, starts_at, ends_at)
    values ({celebrity}, '2031-01-01', '2031-01-08');

  insert into venues (id, organization_id, created_by, name, address, city, country_code, time_zone)
    values ({venue}, {organization}, {owner}, 'Hall ~', '1 Road', 'Town', 'US', 'UTC');
  insert into events (id, organizer_id, organization_id, venue_id, name, starts_at, ends_at)
    values ({event}, {customer}, {organization}, {venue}, 'Party ~', '2030-05-01 18:00Z', '2030-05-01 22:00Z');
  insert into booking_requests
    (id, customer_id, organization_id, celebrity_id, service_type_id, event_id, starts_at, ends_at,
     currency_code)
  values ({request}, {customer}, {organization}, {celebrity}, {service}, {event},
          '2030-05-01 18:00Z', '2030-05-01 22:00Z', 'USD');
  insert into booking_offers
    (id, request_id, currency_code, side, made_by, amount_minor, starts_at, ends_at)
  values ({offer}, {request}, 'USD', 'celebrity', {agent}, 450000,
          '2030-05-01 18:00Z', '2030-05-01 22:00Z');

  insert into bookings (id, customer_id, organization_id, celebrity_id, service_type_id, starts_at,
                        ends_at, currency_code)
    values ({booking}, {customer}, {organization}, {celebrity}, {service}, '2024-05-01 18:00Z',
            '2024-05-01 22:00Z', 'USD');
  insert into booking_items (booking_id, description, unit_price_minor, tax_rate)
    values ({booking}, 'Show', 100001, 8.875);
  insert into commissions
    (booking_id, currency_code, beneficiary, celebrity_id, representative_id, rate, amount_minor)
  values ({booking}, 'USD', 'platform', null, null, 15, 15000),
         ({booking}, 'USD', 'representative', {celebrity}, {agent}, 10, 10000),
         ({booking}, 'USD', 'celebrity', {celebrity}, null, 75, 75001);
  insert into contracts (id, booking_id, body) values ({contract}, {booking}, 'We agree \\ é');
  insert into rider_items (celebrity_id, kind, requirement)
    values ({celebrity}, 'hospitality', 'Still water');
  insert into invoices (id, booking_id, kind, currency_code, amount_minor, due_on)
    values ({invoice}, {booking}, 'deposit', 'USD', 108876, '2099-01-01');
  insert into payments
    (id, invoice_id, booking_id, currency_code, payer_id, method, provider, provider_reference,
     amount_minor, status)
  values ({payment}, {invoice}, {booking}, 'USD', {customer}, 'crypto', 'acquirer', 'pay ~', 50000,
          'succeeded');
  insert into refunds (payment_id, currency_code, amount_minor, reason)
    values ({payment}, 'USD', 1000, 'Goodwill');
  update bookings set status = 'confirmed' where id = {booking};
  update bookings set status = 'in_progress' where id = {booking};
  update bookings set status = 'completed' where id = {booking};
  insert into reviews (booking_id, celebrity_id, author_name, rating)
    values ({booking}, {celebrity}, 'C.', 4);
  insert into favorites values ({customer}, {celebrity});
  insert into celebrity_ratings (celebrity_id, user_id, rating) values ({celebrity}, {customer}, 5);

  insert into roles values ('role_~', 'Role ~', 'May do nothing');
  insert into permissions values ('test.permission_~', 'Nothing asks for it');
  insert into role_permissions values ('role_~', 'test.permission_~');
  insert into user_roles (user_id, role_code) values ({staff}, 'role_~');
  insert into api_keys (organization_id, name, prefix, key_hash)
    values ({organization}, 'Key', '~0000000', sha256('~'));

  insert into messages (conversation_id, sender_id, sender_side, body)
    select id, {customer}, 'customer', 'Hello' from conversations where request_id = {request};
  insert into email_notifications (user_id, recipient, template, subject)
    values ({customer}, 'customer.~@example.com', 'welcome', 'Welcome');

  insert into metrics values ('metric_~', 'Metric ~', 'A test', 'count');
  insert into daily_metrics (metric_code, day, celebrity_id, organization_id, value)
    values ('metric_~', '2024-01-01', {celebrity}, null, 1),
           ('metric_~', '2024-01-01', null, {organization}, 1);
  insert into forecasts (metric_code, celebrity_id, day, model, value, low, high)
    values ('metric_~', {celebrity}, '2034-01-01', 'm', 1, 0, 2);
  insert into analytics_events (user_id, name) values ({customer}, 'profile.view');

  insert into app_settings (key, value, description) values ('setting_~', '1', 'A test');
  insert into exchange_rates values ('USD', 'XX' || upper('~'), '2024-01-01', 1.5);
  insert into payout_accounts
    (user_id, provider, provider_reference, currency_code, country_code, label)
  values ({star}, 'acquirer', 'account ~', 'USD', 'US', '… 4242');
  insert into crypto_wallets (id, user_id, network, address)
    values ({wallet}, {customer}, 'bitcoin', repeat('~', 34));
  insert into crypto_payments
    (payment_id, wallet_id, network, asset, deposit_address, amount_expected, quote_expires_at)
  values ({payment}, {wallet}, 'bitcoin', 'BTC', repeat('1', 34), 0.5, now());
  insert into calendar_connections (id, user_id, celebrity_id, provider, external_account)
    values ({connection}, {star}, {celebrity}, 'google', 'star.~@example.com');
  insert into calendar_events (connection_id, external_id, starts_at, ends_at)
    values ({connection}, 'x', '2030-01-01', '2030-01-02');
  insert into fraud_rules (id, code, description, condition, severity, weight)
    values ({rule}, 'rule_~', 'A test', '{}', 'low', 1);
  insert into fraud_cases (id, user_id) values ({case}, {suspect});
  insert into fraud_signals (rule_id, case_id, user_id, score)
    values ({rule}, {case}, {suspect}, 1);
  insert into files (id, owner_id, bucket, path, name, media_type, size_bytes)
    values ({file}, {customer}, 'chat', {customer} || '/plan.pdf', 'plan.pdf', 'application/pdf', #);
  insert into attachments (file_id, event_id) values ({file}, {event});
  insert into webhook_endpoints (id, organization_id, url, topics)
    values ({endpoint}, {organization}, 'https://example.com/~', array['booking']);
  insert into webhook_deliveries (endpoint_id, topic, payload) values ({endpoint}, 'booking', '{}');
  set search_path to default;
`;
