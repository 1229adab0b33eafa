import assert from "node:assert/strict";
import { type ServedPlatform, testOnServers, type User } from "./platform.ts";
import {
  addCelebrity,
  addRepresentative,
  addStaff,
  book,
  type Celebrity,
  negotiate,
  ok,
  refuses,
  touchesNothing,
} from "./scenario.ts";

const overlap = "23P01";

/** A booking as the service role writes it. */
async function newBooking(platform: ServedPlatform, { id }: Celebrity, from: string, to: string) {
  const [service] = await platform.sql("select id from public.service_types limit 1");
  const customer = await platform.addUser();
  return {
    celebrity_id: id,
    customer_id: customer.id,
    service_type_id: service?.id,
    starts_at: from,
    ends_at: to,
    currency_code: "USD",
  };
}

testOnServers("of two offers for overlapping times one is accepted", async (platform) => {
  const celebrity = await addCelebrity(platform);
  const customers = [await platform.addUser(), await platform.addUser()];
  const [early, late] = [
    await negotiate(platform, celebrity, customers[0]!, { from: "18:00", to: "20:00" }),
    await negotiate(platform, celebrity, customers[1]!, { from: "19:59", to: "22:00" }),
  ];
  ok(await (await platform.as(customers[0]!)).rpc("accept_offer", { offer_id: early.offer }));
  const accept = (await platform.as(customers[1]!)).rpc("accept_offer", { offer_id: late.offer });
  await refuses(accept, overlap);

  const next = await negotiate(platform, celebrity, customers[1]!, { from: "20:00", to: "22:00" });
  ok(await (await platform.as(customers[1]!)).rpc("accept_offer", { offer_id: next.offer }));
});

testOnServers("of concurrent requests for one time exactly one is granted", async (platform) => {
  for (let round = 1; round <= 10; round++) {
    const celebrity = await addCelebrity(platform);
    const offers = await Promise.all(Array.from({ length: 4 }, async () => {
      const customer = await platform.addUser();
      return { customer, ...await negotiate(platform, celebrity, customer) };
    }));
    const accepted = await Promise.all(offers.map(async ({ customer, offer }) => {
      const { error } = await (await platform.as(customer)).rpc("accept_offer", {
        offer_id: offer,
      });
      return error?.code ?? null;
    }));
    assert.deepEqual(accepted.toSorted(), [overlap, overlap, overlap, null]);
  }
});

testOnServers("concurrent rows of the service role and blocks exclude each other", async (at) => {
  const api = await at.as("service");
  for (let round = 1; round <= 10; round++) {
    const celebrity = await addCelebrity(at);
    const time = { starts_at: "2035-06-01T00:00Z", ends_at: "2035-06-08T00:00Z" };
    const booking = await newBooking(at, celebrity, "2035-06-02T00:00Z", "2035-06-03T00:00Z");
    const answers = await Promise.all([
      api.from("bookings").insert(booking),
      api.from("bookings").insert({ ...booking, starts_at: "2035-06-01T12:00Z" }),
      api.from("availability_blocks").insert({ celebrity_id: celebrity.id, ...time }),
    ]);
    const codes = answers.map(({ error }) => error?.code ?? null);
    assert.deepEqual(codes.toSorted(), [overlap, overlap, null]);
  }
});

testOnServers("cancelling frees the time, moving takes it", async (platform) => {
  const celebrity = await addCelebrity(platform);
  const api = await platform.as("service");
  const insert = async (from: string, to: string) =>
    await api.from("bookings").insert(await newBooking(platform, celebrity, from, to))
      .select("id").single();
  const first = ok(await insert("2035-01-01", "2035-01-03")).data.id;
  const second = ok(await insert("2035-01-03", "2035-01-05")).data.id;
  await refuses(insert("2035-01-02", "2035-01-04"), overlap);
  const move = { starts_at: "2035-01-02", ends_at: "2035-01-04" };
  await refuses(api.from("bookings").update(move).eq("id", second), overlap);
  ok(await api.from("bookings").update({ status: "cancelled" }).eq("id", first));
  ok(await api.from("bookings").update(move).eq("id", second));

  const block = { celebrity_id: celebrity.id, starts_at: "2035-01-01", ends_at: "2035-02-01" };
  const asStar = await platform.as(celebrity.star);
  await refuses(asStar.from("availability_blocks").insert(block), overlap);
  ok(await asStar.from("availability_blocks").insert({ ...block, kind: "tentative" }));
  const solid = asStar.from("availability_blocks").update({ kind: "travel" })
    .eq("celebrity_id", celebrity.id);
  await refuses(solid, overlap);
});

testOnServers("only the other side accepts an offer, once, while it is open", async (platform) => {
  const celebrity = await addCelebrity(platform);
  const [customer, stranger] = [await platform.addUser(), await platform.addUser()];
  const assistant = await platform.addUser();
  await addRepresentative(platform.sql, celebrity.id, assistant, "assistant");
  const { request, offer } = await negotiate(platform, celebrity, customer);
  const accept = async (who: User, id = offer) =>
    (await platform.as(who)).rpc("accept_offer", { offer_id: id });

  for (const who of [celebrity.star, assistant, stranger]) await refuses(accept(who));
  await refuses(accept(stranger, crypto.randomUUID()));

  // A counter-offer takes the place of the offer.
  const asCustomer = await platform.as(customer);
  const { data: counter } = ok(
    await asCustomer.from("booking_offers").insert({
      request_id: request,
      currency_code: "USD",
      amount_minor: 90_000,
      starts_at: "2035-06-01T18:00Z",
      ends_at: "2035-06-01T22:00Z",
    }).select("id, round, side").single(),
  );
  assert.deepEqual([counter.round, counter.side], [2, "customer"]);
  await refuses(accept(customer), "23514");
  await refuses(accept(customer, counter.id));
  const booking = ok(await accept(celebrity.star, counter.id)).data;
  await refuses(accept(celebrity.star, counter.id), "23514");
  const [row] = await platform.sql(
    "select subtotal_minor::int, customer_id from public.bookings where id = $1",
    [booking],
  );
  assert.deepEqual(row, { subtotal_minor: 90_000, customer_id: customer.id });
});

testOnServers("each side moves a booking on as far as it may, and history tells", async (at) => {
  const celebrity = await addCelebrity(at);
  const [customer, stranger] = [await at.addUser(), await at.addUser()];
  const support = await addStaff(at, "support");
  const booking = await book(at, celebrity, customer);
  const move = async (who: User, status: string, reason: string | null = null) =>
    (await at.as(who)).rpc("set_booking_status", { booking_id: booking, status, reason });

  await refuses(move(stranger, "cancelled"));
  await refuses(move(customer, "confirmed"));
  await refuses(move(celebrity.star, "completed"));
  ok(await move(celebrity.star, "confirmed"));
  await refuses(move(customer, "completed"));
  await refuses(move(celebrity.star, "in_progress"), "42501"); // it is years ahead
  await refuses(move(support, "pending"), "23514");
  ok(await move(support, "in_progress", "Tested"));
  ok(await move(customer, "disputed", "The band was ill"));
  await refuses(move(celebrity.star, "completed"));
  ok(await move(support, "cancelled", "Agreed"));
  await refuses(move(support, "pending"), "23514");

  const history = ok(
    await (await at.as(customer)).from("booking_status_history")
      .select("from_status, to_status, reason, changed_by").eq("booking_id", booking).order("id"),
  ).data;
  assert.deepEqual(history.map(Object.values), [
    [null, "pending", null, customer.id],
    ["pending", "confirmed", null, celebrity.star.id],
    ["confirmed", "in_progress", "Tested", support.id],
    ["in_progress", "disputed", "The band was ill", customer.id],
    ["disputed", "cancelled", "Agreed", support.id],
  ]);
});

testOnServers("append-only tables stay as they are even for their owner", async (platform) => {
  await book(platform, await addCelebrity(platform), await platform.addUser());
  for (const table of ["audit_log", "booking_status_history", "ledger_entries"]) {
    for (const statement of ["delete from %", "update % set id = default", "truncate %"]) {
      const sql = statement.replace("%", `public.${table} `);
      if (table === "ledger_entries" && !sql.startsWith("truncate")) continue; // it is empty
      await assert.rejects(platform.sql(sql), /append-only/, sql);
    }
  }
});

testOnServers("contracts, riders and reviews follow the booking", async (platform) => {
  const celebrity = await addCelebrity(platform);
  const [customer, moderator] = [await platform.addUser(), await addStaff(platform, "moderator")];
  const [asStar, asCustomer] = [await platform.as(celebrity.star), await platform.as(customer)];
  const need = { celebrity_id: celebrity.id, kind: "hospitality", requirement: "Still water" };
  ok(await asStar.from("rider_items").insert(need));
  const booking = await book(platform, celebrity, customer);

  const agreed = asCustomer.from("rider_items").select("requirement").eq("booking_id", booking);
  assert.deepEqual(ok(await agreed).data, [{ requirement: "Still water" }]);
  const { data: contract } = ok(
    await asCustomer.from("contracts").select("*").eq("booking_id", booking).single(),
  );
  assert.match(contract.body, /Star for Performance[^]*Fee before tax: USD 1000\.00/);
  const sign = { contract_id: contract.id };
  await refuses((await platform.as(moderator)).rpc("sign_contract", sign));
  ok(await asCustomer.rpc("sign_contract", sign));
  ok(await asStar.rpc("sign_contract", sign));
  await refuses(asStar.rpc("sign_contract", sign), "23514");

  const review = { booking_id: booking, celebrity_id: celebrity.id, author_name: "C.", rating: 5 };
  await refuses(asCustomer.from("reviews").insert(review));
  await platform.sql(`
    update public.bookings set status = 'confirmed' where id = '${booking}';
    update public.bookings set status = 'in_progress' where id = '${booking}';
    update public.bookings set status = 'completed' where id = '${booking}';`);
  await refuses(
    asStar.from("rider_items").delete().eq("booking_id", crypto.randomUUID())
      .then(() => asStar.from("rider_items").insert({ ...need, booking_id: booking })),
  );
  await refuses(asStar.from("reviews").insert(review));
  const { data: { id } } = ok(
    await asCustomer.from("reviews").insert(review).select("id").single(),
  );
  const asAnon = await platform.as(null);
  const shown = () => asAnon.from("reviews").select("*").eq("id", id);
  assert.deepEqual(ok(await shown()).data, []);
  await refuses(asStar.rpc("moderate_review", { review_id: id, status: "approved" }));
  ok(
    await (await platform.as(moderator)).rpc("moderate_review", {
      review_id: id,
      status: "approved",
    }),
  );
  await touchesNothing(
    asCustomer.from("reviews").update({ rating: 1 }, { count: "exact" }).eq("id", id),
  );
  await refuses(asCustomer.rpc("reply_to_review", { review_id: id, response: "Me" }));
  ok(await asStar.rpc("reply_to_review", { review_id: id, response: "Thank you" }));
  const [row] = ok(await shown()).data;
  assert.deepEqual([row?.rating, row?.response], [5, "Thank you"]);
  assert.ok(!JSON.stringify(row).includes(customer.id), "the author stays unknown");
});

testOnServers(
  "busy times say when a celebrity is taken, to users, and not why",
  async (platform) => {
    const celebrity = await addCelebrity(platform);
    await book(platform, celebrity, await platform.addUser(), { from: "18:00", to: "20:00" });
    await book(platform, celebrity, await platform.addUser(), { from: "20:00", to: "21:00" });
    const api = await platform.as(await platform.addUser());
    const { data } = ok(
      await api.rpc("celebrity_busy_times", {
        celebrity_id: celebrity.id,
        from_time: "2035-06-01T19:00Z",
        to_time: "2035-07-01T00:00Z",
      }),
    );
    assert.deepEqual(data, [
      { starts_at: "2035-06-01T19:00:00+00:00", ends_at: "2035-06-01T21:00:00+00:00" },
    ]);
    assert.deepEqual(ok(await api.from("bookings").select("*")).data, []);
  },
);

testOnServers("accounts go with their users, unless business hangs on them", async (platform) => {
  const celebrity = await addCelebrity(platform);
  const [customer, invited] = [await platform.addUser(), await platform.addUser()];
  await addRepresentative(platform.sql, celebrity.id, invited, "assistant");
  const remove = (who: User) => platform.sql("delete from auth.users where id = $1", [who.id]);
  await book(platform, celebrity, customer);
  await assert.rejects(remove(customer), { code: "23503" });
  await assert.rejects(remove(celebrity.star), { code: "23503" });
  await remove(invited);
  await remove((await addCelebrity(platform)).star);
});
