import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import postgres from "postgres";
import { type ServedPlatform, testOnServers } from "./platform.ts";
import crowdSql from "./crowd.sql" with { type: "text" };

/** A node of a plan, as EXPLAIN tells it. */
interface PlanNode {
  readonly "Node Type": string;
  readonly "Relation Name"?: string;
  readonly "Index Name"?: string;
  readonly "Index Cond"?: string;
  /** How often it ran: what the other arm of an OR made unnecessary did not. */
  readonly "Actual Loops": number;
  readonly Plans?: readonly PlanNode[];
}

/** Tables with so few rows that reading all of them is right. */
const small = ["categories", "service_types", "role_permissions", "user_roles", "permissions"];

function idOf(name: string): string {
  const digest = createHash("md5").update(name).digest("hex");
  return digest.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

/** The plans of what a role runs, those of the statements inside of functions as well. */
async function explain(platform: ServedPlatform, user: string | null, query: string) {
  const plans: PlanNode[] = [];
  await using resources = new AsyncDisposableStack();
  const client = postgres(platform.project.superuserUrl, {
    max: 1,
    onnotice: ({ message = "" }) => {
      const json = /plan:\n(\{[^]*\})$/.exec(message)?.[1];
      if (json !== undefined) plans.push(JSON.parse(json).Plan);
    },
  });
  resources.defer(() => client.end());
  await client.unsafe(`
    load 'auto_explain';
    set auto_explain.log_min_duration = 0;
    set auto_explain.log_format = json;
    set auto_explain.log_analyze = on;
    set auto_explain.log_timing = off;
    set auto_explain.log_nested_statements = on;
    set client_min_messages = log;
    select set_config('request.jwt.claims', '${JSON.stringify({ sub: user })}', false);
    set role ${user === null ? "anon" : "authenticated"};
    set search_path = public, extensions;
  `);
  plans.length = 0;
  const rows = await client.unsafe(query);
  const nodes: PlanNode[] = [];
  const collect = (node: PlanNode) => {
    if (node["Actual Loops"] > 0) nodes.push(node);
    node.Plans?.forEach(collect);
  };
  plans.forEach(collect);
  return { rows: rows.length, nodes };
}

const [user, owner, star, finance] = ["user 7", "user 42", "user 5008", "user 10000"].map(idOf);
const celebrity = idOf("celebrity 7");

/** What the product asks: who asks it, with which index it is found, by which of its columns. */
const questions: readonly {
  readonly name: string;
  readonly as: string | null | undefined;
  readonly query: string;
  readonly index: string;
  readonly by: readonly string[];
}[] = [
  {
    name: "search by category, service and price",
    as: user,
    query: "select * from search_celebrities('music', 'performance', 'USD', 5000000)",
    index: "celebrity_rates_price_idx",
    by: ["service_type_id", "currency_code", "amount_minor"],
  },
  {
    name: "completion of a name",
    as: user,
    query: "select * from find_celebrities('Celebrity 123')",
    index: "celebrities_name_idx",
    by: ["sort_name"],
  },
  {
    name: "celebrities of a category, for visitors",
    as: null,
    query: `select c.slug, c.stage_name from celebrity_categories cc
              join celebrities c on c.id = cc.celebrity_id
             where cc.category_id = (select id from categories where slug = 'music')
             order by cc.celebrity_id limit 50`,
    index: "celebrity_categories_category_idx",
    by: ["category_id"],
  },
  {
    name: "reviews of a celebrity, for visitors",
    as: null,
    query: `select rating, body from reviews where celebrity_id = '${celebrity}'
               and status = 'approved' order by published_at desc limit 20`,
    index: "reviews_published_idx",
    by: ["celebrity_id"],
  },
  {
    name: "the calendar of a celebrity",
    as: star,
    query: `select id, starts_at, ends_at, status from bookings
             where celebrity_id = '${celebrity}' and starts_at >= '2024-01-01'
               and starts_at < '2024-12-01' order by starts_at`,
    index: "bookings_celebrity_calendar_idx",
    by: ["celebrity_id", "starts_at"],
  },
  {
    name: "the open bookings of an organisation",
    as: owner,
    query: `select id, starts_at from bookings where organization_id = '${
      idOf("organization 43")
    }' and status in ('pending', 'confirmed', 'in_progress') order by starts_at`,
    index: "bookings_organization_open_idx",
    by: ["organization_id"],
  },
  {
    name: "a customer's bookings",
    as: user,
    query: `select id, starts_at from bookings where customer_id = '${user}' order by starts_at`,
    index: "bookings_customer_idx",
    by: ["customer_id"],
  },
  {
    name: "unread messages",
    as: user,
    query: "select * from unread_messages()",
    index: "messages_unread_idx",
    by: ["conversation_id"],
  },
  {
    name: "the newest messages of a conversation",
    as: user,
    query: `select body from messages where conversation_id = '${idOf("conversation 6")}'
             order by id desc limit 50`,
    index: "messages_conversation_idx",
    by: ["conversation_id"],
  },
  {
    name: "the inbox",
    as: user,
    query: `select subject from conversations where customer_id = '${user}'
             order by last_message_at desc limit 20`,
    index: "conversations_customer_idx",
    by: ["customer_id"],
  },
  {
    name: "payouts due",
    as: finance,
    query: `select amount_minor from payouts where status = 'scheduled' and due_on <= '2026-08-15'
             order by due_on`,
    index: "payouts_due_idx",
    by: ["due_on"],
  },
];

testOnServers("with 250,000 rows the product's queries use their indexes", async (platform) => {
  await platform.sql(crowdSql);
  const wrong: string[] = [];
  for (const { name, as: who, query, index, by } of questions) {
    const { rows, nodes } = await explain(platform, who ?? null, query);
    if (rows === 0) wrong.push(`${name}: no rows`);
    const used = nodes.find((node) => node["Index Name"] === index);
    const condition = used?.["Index Cond"] ?? "";
    for (const column of by) {
      if (!new RegExp(`\\b${column}\\b`).test(condition)) {
        wrong.push(`${name}: ${index} is not used by ${column} (${condition})`);
      }
    }
    for (const { "Node Type": type, "Relation Name": table = "" } of nodes) {
      if (/Seq Scan/.test(type) && !small.includes(table)) {
        wrong.push(`${name}: reads all ${table}`);
      }
    }
  }
  assert.deepEqual(wrong, []);
}, [17]);
