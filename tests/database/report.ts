import assert from "node:assert/strict";
import { testOnEveryDatabase } from "../support/projects.ts";
import { secretKey } from "../support/secrets.ts";

const SHOP = `
create table customers (
  id bigint generated always as identity primary key,
  "e-mail" text not null unique
);
comment on table customers is 'Who buys';
create table "order" (
  id uuid primary key default gen_random_uuid(),
  customer_id bigint not null references customers on delete cascade,
  parent_id uuid references "order",
  total numeric(10, 2) not null check (total >= 0),
  half numeric generated always as (total / 2) stored,
  placed_at timestamptz default now()
);
create index order_customer_idx on "order" (customer_id) where total > 0;
alter table "order" enable row level security;
create policy "Own" on "order" for select to authenticated using (total > 0);
create function touch() returns trigger language plpgsql as $$ begin return new; end $$;
create trigger touch before update on "order" for each row execute function touch();
revoke all on customers, "order" from anon, authenticated, service_role;
grant select, update on "order" to authenticated;
grant select (id) on customers to anon;
create schema stock;
create view stock.large with (security_invoker) as select id from "order" where total > 100;
revoke all on stock.large from anon, authenticated, service_role;
-- ROLLBACK
select 1;
`;

testOnEveryDatabase(
  "tables() reads tables and views with what belongs to each",
  async (project) => {
    const migrator = project.migrator({ "001_shop.sql": SHOP });
    const { success, results } = await migrator.migrate();
    assert.ok(success, results[0]?.error?.message);
    const { requests } = project;
    const { roles, tables } = await migrator.tables();
    assert.equal(project.requests - requests, 1);
    assert.deepEqual(roles, [
      { name: "anon", bypassesRls: false, is: ["anon"] },
      { name: "authenticated", bypassesRls: false, is: ["authenticated"] },
      { name: "service_role", bypassesRls: true, is: ["service_role"] },
    ]);
    assert.deepEqual(tables.map(({ id, kind }) => [id, kind]), [
      ["public.customers", "table"],
      ['public."order"', "table"],
      ["stock.large", "view"],
    ]);
    const [customers, order, large] = tables;
    assert.equal(customers?.comment, "Who buys");
    assert.deepEqual(customers?.columns, [
      { name: "id", type: "bigint", required: true, identity: "always" },
      { name: "e-mail", type: "text", required: true },
    ]);
    assert.deepEqual(customers?.access, { anon: "s", authenticated: "", service_role: "" });
    assert.deepEqual(order?.access, { anon: "", authenticated: "SU", service_role: "" });
    assert.equal(order?.rls, true);
    assert.deepEqual(order?.columns.filter((column) => column.name !== "id"), [
      { name: "customer_id", type: "bigint", required: true },
      { name: "parent_id", type: "uuid" },
      { name: "total", type: "numeric(10,2)", required: true },
      { name: "half", type: "numeric", generated: order?.columns[4]?.generated },
      { name: "placed_at", type: "timestamp with time zone", default: "now()" },
    ]);
    assert.deepEqual(
      order?.references.map(({ name: _, ...key }) => key),
      [
        {
          columns: ["customer_id"],
          target: "public.customers",
          targetColumns: ["id"],
          onDelete: "cascade",
          optional: false,
          unique: false,
        },
        {
          columns: ["parent_id"],
          target: 'public."order"',
          targetColumns: ["id"],
          onDelete: null,
          optional: true,
          unique: false,
        },
      ],
    );
    assert.deepEqual(order?.constraints.map(({ kind, columns }) => [kind, columns]), [
      ["primary key", ["id"]],
      ["check", ["total"]],
    ]);
    assert.match(order?.indexes[0]?.definition ?? "", /\(customer_id\) WHERE/);
    assert.deepEqual(order?.triggers.map(({ name, enabled }) => [name, enabled]), [[
      "touch",
      true,
    ]]);
    assert.deepEqual(order?.policies, [{
      name: "Own",
      command: "select",
      permissive: true,
      roles: ["authenticated"],
      using: "(total > (0)::numeric)",
      check: null,
    }]);
    assert.deepEqual(order?.grants, [
      { grantee: "authenticated", privileges: ["select", "update"], columns: null },
    ]);
    assert.deepEqual(customers?.grants, [
      { grantee: "anon", privileges: ["select"], columns: ["id"] },
    ]);
    assert.match(large?.definition ?? "", /SELECT/);
  },
);

testOnEveryDatabase(
  "a report shows what is applied, pending and failed, and no key",
  async (project) => {
    const migrations = {
      "001_shop.sql": SHOP,
      "002_key.sql": `create table keys (key text default '${secretKey}');`,
      "003_fails.sql": `insert into keys values ('${secretKey}'); select * from nowhere;`,
    };
    const migrator = project.migrator(migrations);
    assert.equal((await migrator.migrate()).success, false);
    await project.sql("insert into customers (\"e-mail\") values ('</script>')");
    const secret = "a password of somebody";
    const { html, data } = await project.migrator({
      ...migrations,
      "004_later.sql": `comment on table keys is '${secret}';`,
    }).report({ shadow: false, redact: (text) => text.replaceAll(secret, "[hidden]") });
    assert.ok(html.startsWith("<!doctype html>\n"));
    assert.deepEqual(
      data.migrations.map(({ name, state, reason, tables, error }) => [
        name,
        state,
        reason,
        tables.map(({ id, made }) => `${made ? "makes" : "changes"} ${id}`),
        error?.code ?? null,
      ]),
      [
        [
          "001_shop.sql",
          "applied",
          null,
          ["makes public.customers", 'makes public."order"', "makes stock.large"],
          null,
        ],
        ["002_key.sql", "applied", null, ["makes public.keys"], null],
        ["003_fails.sql", "pending", "failed_previously", [], "42P01"],
        ["004_later.sql", "pending", "not_executed", ["changes public.keys"], null],
      ],
    );
    assert.deepEqual(data.log.map(({ action, result }) => [action, result]), [
      ["apply", "failed"],
      ["apply", "ok"],
      ["apply", "ok"],
    ]);
    assert.equal(data.migrations.at(-1)?.plan?.statements, 1);
    assert.deepEqual([data.doctor.known, data.lint.known], [true, true]);
    assert.deepEqual(data.changes, {
      known: false,
      reason: "pending migrations were not run on a shadow",
    });
    for (const text of [secretKey, secret]) assert.ok(!html.includes(text), text);
    assert.ok(html.includes("[hidden]"));
  },
);
