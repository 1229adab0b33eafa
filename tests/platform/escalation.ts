import assert from "node:assert/strict";
import { testOnServers } from "./platform.ts";
import {
  addCelebrity,
  addRepresentative,
  addStaff,
  book,
  negotiate,
  ok,
  refuses,
  touchesNothing,
} from "./scenario.ts";

const counted = { count: "exact" } as const;

/** Columns that nobody changes through a table, with what one would like to write. */
const forbidden: readonly (readonly [table: string, column: string, value: unknown])[] = [
  ["app_users", "status", "active"],
  ["app_users", "id", "00000000-0000-4000-8000-000000000000"],
  ["organizations", "verified_at", "2020-01-01"],
  ["organization_members", "status", "active"],
  ["organization_members", "user_id", "00000000-0000-4000-8000-000000000000"],
  ["celebrities", "status", "active"],
  ["celebrities", "verified_at", "2020-01-01"],
  ["celebrities", "average_rating", 5],
  ["celebrities", "rating_count", 1000],
  ["celebrity_representatives", "status", "active"],
  ["venues", "is_listed", true],
  ["booking_requests", "status", "accepted"],
  ["booking_offers", "amount_minor", 1],
  ["booking_offers", "status", "accepted"],
  ["bookings", "status", "confirmed"],
  ["bookings", "subtotal_minor", 0],
  ["booking_items", "unit_price_minor", 0],
  ["contracts", "customer_signed_at", "2020-01-01"],
  ["invoices", "paid_minor", 1],
  ["payments", "status", "succeeded"],
  ["payments", "amount_minor", 1],
  ["refunds", "status", "succeeded"],
  ["commissions", "amount_minor", 1],
  ["payouts", "amount_minor", 1],
  ["payouts", "due_on", "2020-01-01"],
  ["reviews", "status", "approved"],
  ["reviews", "response", "We thank ourselves"],
  ["user_roles", "role_code", "administrator"],
  ["api_keys", "scopes", "{everything}"],
  ["messages", "body", "I never said that"],
  ["payout_accounts", "provider_reference", "mine"],
  ["ledger_entries", "amount_minor", 1],
];

testOnServers("no user changes states, amounts or owners through a table", async (platform) => {
  const celebrity = await addCelebrity(platform);
  const customer = await platform.addUser();
  await book(platform, celebrity, customer);
  const everybody = [customer, celebrity.star, await addStaff(platform, "administrator")];
  for (const user of everybody) {
    const api = await platform.as(user);
    for (const [table, column, value] of forbidden) {
      const request = api.from(table).update({ [column]: value }).neq(column, value);
      const { error } = await request;
      assert.equal(error?.code, "42501", `${table}.${column}`);
    }
  }
});

/** What names its author: every user who writes it for another is refused. */
const authored: readonly (readonly [table: string, column: string, rest: object])[] = [
  ["app_users", "id", { display_name: "Another" }],
  ["user_profiles", "user_id", {}],
  ["organizations", "created_by", { name: "Company" }],
  ["venues", "created_by", {
    name: "Hall",
    address: "1 Road",
    city: "Town",
    country_code: "US",
    time_zone: "UTC",
  }],
  ["events", "organizer_id", { name: "Party", starts_at: "2035-01-01", ends_at: "2035-01-02" }],
  ["conversations", "customer_id", { subject: "Help" }],
  ["analytics_events", "user_id", { name: "page.view" }],
  ["crypto_wallets", "user_id", { network: "bitcoin", address: "1".repeat(30) }],
  ["files", "owner_id", { bucket: "b", name: "n", media_type: "a/b", size_bytes: 1, path: "" }],
];

testOnServers("no user writes in another user's name", async (platform) => {
  const [user, victim] = [await platform.addUser(), await platform.addUser()];
  const celebrity = await addCelebrity(platform);
  const api = await platform.as(user);
  for (const [table, column, rest] of authored) {
    const path = "path" in rest ? { path: `${victim.id}/${crypto.randomUUID()}` } : {};
    await refuses(api.from(table).insert({ ...rest, ...path, [column]: victim.id }));
  }
  const forVictim = { user_id: victim.id, celebrity_id: celebrity.id };
  await refuses(api.from("favorites").insert(forVictim));
  await refuses(api.from("celebrity_ratings").insert({ ...forVictim, rating: 1 }));
  const { request } = await negotiate(platform, celebrity, user);
  const offer = {
    request_id: request,
    made_by: celebrity.star.id,
    currency_code: "USD",
    amount_minor: 1,
    starts_at: "2035-06-01",
    ends_at: "2035-06-02",
  };
  await refuses(api.from("booking_offers").insert(offer));
  const { data: [chat] } = ok(
    await api.from("conversations").select("id").eq("request_id", request),
  );
  const message = { conversation_id: chat?.id, sender_id: celebrity.star.id, body: "Deal" };
  await refuses(api.from("messages").insert(message));
});

testOnServers("only who may do a thing gives others the right to, never oneself", async (at) => {
  const admin = await addStaff(at, "administrator");
  const support = await addStaff(at, "support");
  const user = await at.addUser();
  const roles = async (who: typeof user) => (await at.as(who)).from("user_roles");

  await refuses((await roles(user)).insert({ user_id: user.id, role_code: "administrator" }));
  await refuses((await roles(support)).insert({ user_id: user.id, role_code: "support" }));
  await refuses((await roles(admin)).insert({ user_id: admin.id, role_code: "support" }));
  ok(await (await roles(admin)).insert({ user_id: user.id, role_code: "moderator" }));

  // A role that assigns roles assigns those whose permissions it has.
  await at.sql(`
    insert into public.roles values ('assigner', 'Assigner', 'A test') on conflict do nothing;
    insert into public.role_permissions values ('assigner', 'roles.assign'),
      ('assigner', 'analytics.read') on conflict do nothing`);
  const assigner = await addStaff(at, "assigner");
  const other = await at.addUser();
  ok(await (await roles(assigner)).insert({ user_id: other.id, role_code: "analyst" }));
  await refuses((await roles(assigner)).insert({ user_id: other.id, role_code: "administrator" }));
  const gift = { role_code: "analyst", permission_code: "roles.assign" };
  await refuses((await at.as(admin)).from("role_permissions").insert(gift));
  // Rights end with the role.
  await at.sql(`update public.user_roles
    set granted_at = now() - interval '2 days', expires_at = now() - interval '1 day'
    where user_id = '${user.id}'`);
  const reviews = (await at.as(user)).rpc("moderate_review", {
    review_id: crypto.randomUUID(),
    status: "approved",
  });
  await refuses(reviews);
});

testOnServers("within an organisation nobody rises by themselves", async (platform) => {
  const [owner, admin, booker] = [
    await platform.addUser("owner"),
    await platform.addUser("admin"),
    await platform.addUser("booker"),
  ];
  const members = async (who: typeof owner) =>
    (await platform.as(who)).from("organization_members");
  const organization = ok(
    await (await platform.as(owner)).from("organizations").insert({ name: "Company" })
      .select("id").single(),
  ).data.id as string;
  const of = (user: typeof owner) => ({ organization_id: organization, user_id: user.id });

  ok(await (await members(owner)).insert({ ...of(admin), role: "admin" }));
  const read = (await platform.as(admin)).from("organizations").select("id");
  assert.deepEqual(ok(await read).data, [], "an invitation is no membership");
  const accept = { organization_id: organization };
  await refuses((await platform.as(booker)).rpc("accept_invitation", accept));
  ok(await (await platform.as(admin)).rpc("accept_invitation", accept));

  ok(await (await members(admin)).insert({ ...of(booker), role: "booker" }));
  ok(await (await platform.as(booker)).rpc("accept_invitation", accept));
  const change = async (who: typeof owner, whom: typeof owner, role: string) =>
    (await members(who)).update({ role }, counted).match(of(whom));
  await touchesNothing(change(admin, admin, "owner"));
  await touchesNothing(change(admin, owner, "viewer"));
  await touchesNothing(change(booker, booker, "admin"));
  await refuses(change(admin, booker, "owner"));
  await refuses((await members(booker)).insert({ ...of(await platform.addUser()) }));
  await touchesNothing((await members(admin)).delete(counted).match(of(owner)));
  await refuses((await members(owner)).delete().match(of(owner)), "23514");

  // Two owners who leave at the same time: one of them stays.
  ok(await change(owner, admin, "owner"));
  await touchesNothing(change(owner, owner, "viewer"));
  const leaving = await Promise.all(
    [owner, admin].map(async (who) => await (await members(who)).delete().match(of(who))),
  );
  assert.deepEqual(leaving.map(({ error }) => error?.code ?? null).sort(), ["23514", null]);
});

testOnServers("to invite somebody is not to know their address", async (platform) => {
  const [curious, victim] = [await platform.addUser(), await platform.addUser()];
  const api = await platform.as(curious);
  const { data: { id } } = ok(
    await api.from("organizations").insert({ name: "Bait" }).select("id").single(),
  );
  ok(await api.from("organization_members").insert({ organization_id: id, user_id: victim.id }));
  const look = () => api.from("app_users").select("email").eq("id", victim.id);
  assert.deepEqual(ok(await look()).data, []);
  ok(await (await platform.as(victim)).rpc("accept_invitation", { organization_id: id }));
  assert.deepEqual(ok(await look()).data, [{ email: victim.email }]);
});

testOnServers("what staff verified does not turn into something else", async (platform) => {
  const celebrity = await addCelebrity(platform);
  const [owner, moderator] = [await platform.addUser(), await addStaff(platform, "moderator")];
  const rename = async (who: typeof owner) =>
    (await platform.as(who)).from("celebrities").update({ stage_name: "Elvis" }, counted)
      .eq("id", celebrity.id);
  await refuses(rename(celebrity.star));
  assert.equal(ok(await rename(moderator)).count, 1);

  const organizations = (await platform.as(owner)).from("organizations");
  const { data: { id } } = ok(
    await organizations.insert({ name: "Small" }).select("id").single(),
  );
  await platform.sql("update public.organizations set verified_at = now() where id = $1", [id]);
  const verified = async () =>
    ok(await organizations.select("verified_at").eq("id", id).single()).data.verified_at !== null;
  ok(await organizations.update({ website: "https://example.com" }).eq("id", id));
  assert.ok(await verified());
  ok(await organizations.update({ name: "Huge" }).eq("id", id));
  assert.ok(!await verified());
});

testOnServers("representatives do what they were given, as long as they were", async (platform) => {
  const celebrity = await addCelebrity(platform);
  const [agent, assistant] = [await platform.addUser("agent"), await platform.addUser("assistant")];
  await addRepresentative(platform.sql, celebrity.id, assistant, "assistant");
  const appoint = { celebrity_id: celebrity.id, user_id: agent.id, kind: "agent" };
  const mandates = async (who: typeof agent) =>
    (await platform.as(who)).from("celebrity_representatives");
  const mandate = { celebrity_id: celebrity.id, user_id: agent.id };
  const profile = async () =>
    (await platform.as(agent)).from("celebrities")
      .update({ headline: "New" }, counted).eq("id", celebrity.id);

  await refuses((await mandates(agent)).insert(appoint));
  await refuses((await mandates(assistant)).insert(appoint));
  await refuses((await mandates(celebrity.star)).insert({ ...appoint, kind: "self" }), "42501");
  ok(await (await mandates(celebrity.star)).insert({ ...appoint, can_edit_profile: true }));
  await touchesNothing(profile());
  ok(await (await platform.as(agent)).rpc("accept_representation", { celebrity_id: celebrity.id }));
  assert.equal(ok(await profile()).count, 1);

  const more = { can_sign: true, commission_rate: 50 };
  await touchesNothing((await mandates(agent)).update(more, counted).match(mandate));
  const everything = { commission_rate: 86 }; // the platform has 15
  await refuses((await mandates(celebrity.star)).update(everything).match(mandate), "23514");
  ok(await (await mandates(celebrity.star)).update({ ends_on: "2020-01-01" }).match(mandate));
  await touchesNothing(profile());
});

testOnServers("a suspended account sees nothing and does nothing", async (platform) => {
  const admin = await addStaff(platform, "administrator");
  const villain = await addStaff(platform, "administrator");
  const celebrity = await addCelebrity(platform);
  await addRepresentative(platform.sql, celebrity.id, villain, "agent");
  const { offer } = await negotiate(platform, celebrity, await platform.addUser());
  const suspend = async (who: typeof admin, whom: typeof admin, status = "suspended") =>
    (await platform.as(who)).rpc("set_user_status", { user_id: whom.id, status });

  await refuses(suspend(villain, villain));
  ok(await suspend(admin, villain));
  const api = await platform.as(villain);
  const tables = await platform.sql("select table_name::text from app_private.platform_tables()");
  for (const { table_name: table } of [...tables, { table_name: "celebrity_ratings" }]) {
    const columns = table === "api_keys" ? "id" : "*";
    assert.deepEqual(ok(await api.from(`${table}`).select(columns)).data, [], `${table}`);
  }
  await refuses(api.from("favorites").insert({ celebrity_id: celebrity.id }));
  await refuses(api.rpc("decline_offer", { offer_id: offer }));
  await refuses(suspend(villain, admin, "closed"));
  await refuses(api.rpc("register_celebrity", { slug: "x", stage_name: "X", country_code: "US" }));
  ok(await suspend(admin, villain, "active"));
  assert.equal(ok(await api.from("app_users").select("id").eq("id", villain.id)).data.length, 1);
});

testOnServers("anon calls no function, and nobody reaches the private schema", async (platform) => {
  const api = await platform.as(null);
  const functions = await platform.sql(`
    select proname::text as name, proargnames[1:pronargs] as names from pg_proc
     where pronamespace = 'public'::regnamespace and proname <> 'exec_sql'
       and has_function_privilege('authenticated', oid, 'execute')`);
  assert.equal(functions.length, 17);
  for (const { name, names } of functions) {
    const body = Object.fromEntries((names as string[] ?? []).map((key) => [key, null]));
    await refuses(api.rpc(`${name}`, body));
  }
  for (const who of [null, await platform.addUser(), "service"] as const) {
    const hidden = (await platform.as(who)).schema("app_private");
    await refuses(hidden.rpc("setting", { name: "deposit_percent" }), "PGRST106");
  }
});
