import assert from "node:assert/strict";
import { type ServedPlatform, testEverywhere, testOnServers } from "./platform.ts";
import { addCelebrity, addRepresentative, book, type Celebrity, ok, refuses } from "./scenario.ts";

testEverywhere("a split sums up to the whole, and no part is off by a cent", async ({ sql }) => {
  const [row] = await sql(`
    with given as (
      select n, (random() * 10 ^ (n % 15))::bigint as total,
             (select array_agg((random() * 100)::numeric(6, 3) + 0.001)
                from generate_series(1, 1 + n % 7) where n = n) as weights
        from generate_series(1, 3000) as n
    ), split as (
      select *, app_private.split_minor(total, weights) as parts,
             (select sum(w) from unnest(weights) as w) as whole
        from given
    )
    select count(*)::int as cases,
           count(*) filter (where (select sum(p) from unnest(parts) as p) <> total)::int as lost,
           count(*) filter (where exists (
             select from unnest(parts, weights) as one (part, weight)
              where part < 0 or abs(part - total * weight / whole) >= 1))::int as unfair,
           (array_agg(parts::text) filter (where n = 1)) is null as never
      from split`);
  assert.deepEqual(row, { cases: 3000, lost: 0, unfair: 0, never: false });

  const parts = async (total: number, weights: string) =>
    (await sql("select app_private.split_minor($1, $2::numeric[])::text as parts", [
      total,
      weights,
    ]))[0]?.parts;
  assert.equal(await parts(100, "{1,1,1}"), "{34,33,33}");
  assert.equal(await parts(1, "{15,85}"), "{0,1}");
  assert.equal(await parts(0, "{15,85}"), "{0,0}");
  for (const weights of ["{}", "{0,0}", "{-1,2}", "{null,1}"]) {
    await assert.rejects(parts(1, weights), /Cannot split/);
  }
});

testEverywhere(
  "every amount is a whole number of the smallest unit, never negative",
  async (at) => {
    const columns = await at.sql(`
    select table_name || '.' || column_name as name, coalesce(domain_name, data_type) as type
      from information_schema.columns
     where table_schema = 'public' and column_name like '%\\_minor'`);
    assert.equal(columns.length, 19);
    assert.deepEqual(
      columns.filter(({ type }) => type !== "minor_units"),
      [{ name: "ledger_entries.amount_minor", type: "bigint" }], // debits and credits have signs
    );
    for (const amount of ["-1", "9007199254740992"]) {
      await assert.rejects(at.sql(`select '${amount}'::public.minor_units`), /minor_units/);
    }
    await at.sql("select 9007199254740991::public.minor_units, 0::public.minor_units");
  },
);

/** What a booking is made of, and what of it does not add up. */
async function addUp({ sql }: ServedPlatform, booking: string) {
  const [row] = await sql(
    `select subtotal_minor::text as subtotal, total_minor::text as total,
            subtotal_minor - (select sum(net_minor) from public.booking_items i
                               where i.booking_id = b.id) = 0
        and tax_minor - (select sum(i.tax_minor) from public.booking_items i
                          where i.booking_id = b.id) = 0
        and subtotal_minor - (select sum(amount_minor) from public.commissions c
                               where c.booking_id = b.id) = 0
        and total_minor - (select sum(amount_minor) from public.invoices v
                            where v.booking_id = b.id) = 0 as adds_up
       from public.bookings b where id = $1`,
    [booking],
  );
  return row;
}

testOnServers("shares, tax and invoices of any price sum up to it", async (platform) => {
  await platform.sql(`insert into public.tax_rates (country_code, name, rate, valid_from)
    select 'CH', 'VAT', 8.125, '2020-01-01'
     where not exists (select from public.tax_rates where country_code = 'CH')`);
  const customer = await platform.addUser();
  await platform.sql(
    "insert into public.user_profiles (user_id, country_code) values ($1, 'CH')",
    [customer.id],
  );
  const celebrity = await addCelebrity(platform);
  for (const [index, commission] of [12.345, 7.5, 33.333].entries()) {
    const user = await platform.addUser(`agent ${index}`);
    await addRepresentative(platform.sql, celebrity.id, user, "agent", commission);
  }
  for (const [day, amount] of [1, 2, 3, 99, 100, 333_333, 1_000_001, 999_999_999_999].entries()) {
    const booking = await book(platform, celebrity, customer, {
      day: `2035-07-0${day + 1}`,
      amount,
    });
    const row = await addUp(platform, booking);
    const total = amount + Math.round(amount * 0.08125);
    assert.deepEqual(row, { subtotal: `${amount}`, total: `${total}`, adds_up: true });
  }
});

/** A booking of 1,000.00, with a deposit of 300.00. */
async function bookForThousand(platform: ServedPlatform, celebrity: Celebrity) {
  const customer = await platform.addUser();
  const booking = await book(platform, celebrity, customer, { amount: 100_000 });
  const invoices = await platform.sql(
    "select id, kind, amount_minor::int as amount from public.invoices where booking_id = $1",
    [booking],
  );
  const payment = (kind: "deposit" | "balance", amount?: number) => {
    const invoice = invoices.find((found) => found.kind === kind)!;
    return {
      invoice_id: invoice.id,
      booking_id: booking,
      currency_code: "USD",
      payer_id: customer.id,
      method: "card",
      provider: "acquirer",
      provider_reference: crypto.randomUUID(),
      amount_minor: amount ?? invoice.amount,
      status: "succeeded",
    };
  };
  return { booking, customer, payment };
}

testOnServers("no invoice is paid more than once, or in another currency", async (platform) => {
  const { payment } = await bookForThousand(platform, await addCelebrity(platform));
  const payments = (await platform.as("service")).from("payments");
  await refuses(payments.insert(payment("deposit", 30_001)), "23514");
  await refuses(payments.insert({ ...payment("deposit"), currency_code: "EUR" }), "23503");
  await refuses(payments.insert({ ...payment("deposit"), amount_minor: 0 }), "23514");
  await refuses(payments.insert({ ...payment("deposit"), amount_minor: -5 }), "23514");

  const answers = await Promise.all(
    [1, 2, 3].map(() =>
      payments.insert(payment("deposit")).then(({ error }) => error?.code ?? null)
    ),
  );
  assert.deepEqual(answers.toSorted(), ["23514", "23514", null]);

  const pending = { ...payment("balance"), status: "pending" };
  ok(await payments.insert(pending));
  await refuses(payments.insert(pending), "23505"); // the provider reports it twice
  const one = { provider_reference: pending.provider_reference };
  await refuses(payments.update({ amount_minor: 1 }).match(one), "23514");
  ok(await payments.update({ status: "failed" }).match(one));
  await refuses(payments.update({ status: "succeeded" }).match(one), "23514");
  ok(await payments.insert(payment("balance")));
});

testOnServers(
  "refunds together never exceed the payment, also concurrent ones",
  async (platform) => {
    const { payment, booking } = await bookForThousand(platform, await addCelebrity(platform));
    const api = await platform.as("service");
    const { data: paid } = ok(
      await api.from("payments").insert(payment("deposit")).select("id").single(),
    );
    const refund = (amount: number, status = "pending") => ({
      payment_id: paid.id,
      currency_code: "USD",
      amount_minor: amount,
      reason: "Test",
      status,
    });
    const answers = await Promise.all(
      [1, 2, 3, 4].map(() =>
        api.from("refunds").insert(refund(10_000)).select("id").single()
          .then(({ error, data }) => error?.code ?? data!.id as string)
      ),
    );
    assert.equal(answers.filter((answer) => answer === "23514").length, 1);
    const [first, second] = answers.filter((answer) => answer !== "23514");
    ok(await api.from("refunds").update({ status: "succeeded" }).eq("id", first!));
    await refuses(api.from("refunds").update({ status: "failed" }).eq("id", first!), "23514");
    await refuses(api.from("refunds").update({ amount_minor: 1 }).eq("id", second!), "23514");
    await refuses(api.from("refunds").insert(refund(1)), "23514");
    ok(await api.from("refunds").update({ status: "failed" }).eq("id", second!));
    ok(await api.from("refunds").insert(refund(10_000, "succeeded")));

    const [row] = await platform.sql(
      `select (select refunded_minor from public.payments where id = $1)::int as refunded,
            (select paid_minor from public.invoices
              where booking_id = $2 and kind = 'deposit')::int as paid,
            (select sum(amount_minor) from public.ledger_entries
              where booking_id = $2 and account = 'cash')::int as cash`,
      [paid.id, booking],
    );
    assert.deepEqual(row, { refunded: 30_000, paid: 10_000, cash: 10_000 });
  },
);

testOnServers("from the first payment to the last payout the books balance", async (platform) => {
  const celebrity = await addCelebrity(platform);
  await addRepresentative(platform.sql, celebrity.id, await platform.addUser(), "agent", 10);
  const { booking, payment } = await bookForThousand(platform, celebrity);
  const api = await platform.as("service");
  ok(await api.from("payments").insert([payment("deposit"), payment("balance")]));
  for (const status of ["confirmed", "in_progress", "completed"]) {
    ok(await api.from("bookings").update({ status }).eq("id", booking));
  }
  const accounts = async () =>
    Object.fromEntries(
      (await platform.sql(
        `select account::text, sum(amount_minor)::int as sum from public.ledger_entries
          where booking_id = $1 group by account having sum(amount_minor) <> 0`,
        [booking],
      )).map(({ account, sum }) => [account, sum]),
    );
  assert.deepEqual(await accounts(), {
    cash: 100_000,
    platform_revenue: -15_000,
    representative_payable: -10_000,
    celebrity_payable: -75_000,
  });
  const due = ok(
    await api.from("payouts").select("id, amount_minor, status, commissions!inner(booking_id)")
      .eq("commissions.booking_id", booking).order("amount_minor"),
  ).data;
  assert.deepEqual(due.map((one) => [one.amount_minor, one.status]), [
    [10_000, "scheduled"],
    [75_000, "scheduled"],
  ]);
  for (const { id } of due) {
    await refuses(api.from("payouts").update({ amount_minor: 1 }).eq("id", id), "23514");
    ok(await api.from("payouts").update({ status: "paid" }).eq("id", id));
    await refuses(api.from("payouts").update({ status: "scheduled" }).eq("id", id), "23514");
  }
  assert.deepEqual(await accounts(), { cash: 15_000, platform_revenue: -15_000 });
});

testOnServers("neither books nor shares nor items can be made not to add up", async (platform) => {
  const celebrity = await addCelebrity(platform);
  const { booking } = await bookForThousand(platform, celebrity);
  const entry = (amount: number, transaction: string) => ({
    transaction_id: transaction,
    account: "cash",
    currency_code: "USD",
    amount_minor: amount,
    booking_id: booking,
  });
  const api = await platform.as("service");
  const transaction = crypto.randomUUID();
  await refuses(api.from("ledger_entries").insert(entry(5, transaction)), "23514");
  await refuses(
    api.from("ledger_entries").insert([entry(5, transaction), entry(-4, transaction)]),
    "23514",
  );
  const share = api.from("commissions").update({ amount_minor: 1 }).eq("booking_id", booking);
  await refuses(share.eq("beneficiary", "platform"), "23514");
  await refuses(api.from("commissions").delete().eq("booking_id", booking), "23514");
  const item = { booking_id: booking, description: "Extra", unit_price_minor: 1 };
  await refuses(api.from("booking_items").insert(item), "23514"); // nobody's cent
  ok(await api.from("bookings").update({ status: "confirmed" }).eq("id", booking));
  await refuses(
    api.from("booking_items").update({ quantity: 2 }).eq("booking_id", booking),
    "23514",
  );
  await refuses(api.from("booking_items").delete().eq("booking_id", booking), "23514");
  await refuses(api.from("bookings").update({ subtotal_minor: 1 }).eq("id", booking), "23514");
});
