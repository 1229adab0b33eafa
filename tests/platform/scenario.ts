import assert from "node:assert/strict";
import type { Sql } from "../support/session.ts";
import type { Platform, ServedPlatform, User } from "./platform.ts";

/** A celebrity who can be booked, and is the user `star`. */
export interface Celebrity {
  readonly id: string;
  readonly star: User;
}

/** Adds an active celebrity. */
export async function addCelebrity(platform: Platform): Promise<Celebrity> {
  const star = await platform.addUser("star");
  const id = crypto.randomUUID();
  await platform.sql(
    `insert into public.celebrities (id, slug, stage_name, status, verified_at)
     values ($1::uuid, 'star-' || left($1::text, 8), 'Star', 'active', now())`,
    [id],
  );
  await addRepresentative(platform.sql, id, star, "self");
  return { id, star };
}

/** Lets a user act for a celebrity: with all rights, or as an assistant with none. */
export async function addRepresentative(
  sql: Sql,
  celebrity: string,
  user: User,
  kind: "self" | "agent" | "assistant",
  commission = 0,
): Promise<void> {
  await sql(
    `insert into public.celebrity_representatives
       (celebrity_id, user_id, kind, status, can_edit_profile, can_negotiate, can_sign,
        can_see_finances, commission_rate)
     select $1, $2, $3::public.representative_kind, 'active', r, r, r, r, $4
       from (select $3 <> 'assistant') as given (r)`,
    [celebrity, user.id, kind, commission],
  );
}

/** Makes a user staff. */
export async function addStaff(platform: Platform, role: string): Promise<User> {
  const user = await platform.addUser(role);
  await platform.sql("insert into public.user_roles (user_id, role_code) values ($1, $2)", [
    user.id,
    role,
  ]);
  return user;
}

/** When, for how much, in what. */
export interface Terms {
  readonly day?: string;
  readonly from?: string;
  readonly to?: string;
  readonly amount?: number;
  readonly currency?: string;
  readonly organization?: string;
}

/** A customer asks and the celebrity's side makes an offer, through the API. */
export async function negotiate(
  platform: ServedPlatform,
  celebrity: Celebrity,
  customer: User,
  terms: Terms = {},
): Promise<{ request: string; offer: string }> {
  const { day = "2035-06-01", from = "18:00", to = "22:00", amount = 100_000, currency = "USD" } =
    terms;
  const times = { starts_at: `${day}T${from}:00Z`, ends_at: `${day}T${to}:00Z` };
  const asCustomer = await platform.as(customer);
  const { data: [service] } = ok(
    await asCustomer.from("service_types").select("id").eq("slug", "performance"),
  );
  const request = ok(
    await asCustomer.from("booking_requests").insert({
      celebrity_id: celebrity.id,
      service_type_id: service?.id,
      currency_code: currency,
      ...(terms.organization === undefined ? {} : { organization_id: terms.organization }),
      ...times,
    }).select("id").single(),
  ).data.id;
  const offer = ok(
    await (await platform.as(celebrity.star)).from("booking_offers").insert({
      request_id: request,
      currency_code: currency,
      amount_minor: amount,
      ...times,
    }).select("id").single(),
  ).data.id;
  return { request, offer };
}

/** Negotiates, and the customer accepts. Returns the booking. */
export async function book(
  platform: ServedPlatform,
  celebrity: Celebrity,
  customer: User,
  terms: Terms = {},
): Promise<string> {
  const { offer } = await negotiate(platform, celebrity, customer, terms);
  return ok(await (await platform.as(customer)).rpc("accept_offer", { offer_id: offer })).data;
}

/** The answer, if the request was granted. */
export function ok<Answer extends { error: unknown }>(answer: Answer): Answer & { error: null } {
  assert.equal(answer.error, null);
  return answer as Answer & { error: null };
}

/** Asserts that a request is refused with this SQLSTATE, whatever it would have done. */
export async function refuses(
  request: PromiseLike<{ error: { code: string; message: string } | null }>,
  code = "42501",
): Promise<void> {
  const { error } = await request;
  assert.equal(error?.code, code, error?.message ?? "It was not refused");
}

/** Asserts that a write finds no row that it may touch. */
export async function touchesNothing(
  request: PromiseLike<{ error: unknown; count: number | null }>,
): Promise<void> {
  assert.equal(ok(await request).count, 0);
}
