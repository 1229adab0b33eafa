import assert from "node:assert/strict";
import { createServer } from "node:http";
import { findBackup } from "../../lib/database/project_backups.ts";
import type { Target } from "../../lib/database/target.ts";

const TARGET: Target = {
  kind: "project",
  name: "abcdefghijklmnopqrst",
  url: "https://abcdefghijklmnopqrst.supabase.co",
};

/** Answers in turn, and says what was asked. */
async function ask(answers: readonly [status: number, body: unknown][]) {
  const asked: string[] = [];
  const left = [...answers];
  const server = createServer(async (request, response) => {
    const body = (await Array.fromAsync(request)).join("");
    asked.push(`${request.method} ${request.url?.replace(/^.*backups/, "")}${body}`);
    const [status, answer] = left.shift() ?? [500, "nothing more"];
    response.writeHead(status, { connection: "close" });
    response.end(typeof answer === "string" ? answer : JSON.stringify(answer));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  try {
    const backup = findBackup({
      target: TARGET,
      accessToken: "sbp_0123456789abcdef0123456789abcdef01234567",
      apiUrl: `http://127.0.0.1:${port}`,
    });
    return { asked, outcome: await backup.catch((error: Error) => error) };
  } finally {
    await new Promise((resolve) => server.close(resolve));
  }
}

Deno.test("a restore point is made under a name that is short enough, and waited for", async () => {
  const { asked, outcome } = await ask([
    [201, { name: "x", status: "PENDING" }],
    [200, { name: "x", status: "AVAILABLE" }],
  ]);
  const { name } = JSON.parse(/\{.*/.exec(asked[0]!)![0]) as { name: string };
  assert.match(name, /^sm-\d{14}$/); // the API takes 20 characters
  assert.deepEqual(asked, [
    `POST /restore-point{"name":"${name}"}`,
    `GET /restore-point?name=${name}`,
  ]);
  assert.ok(!(outcome instanceof Error), String(outcome));
  assert.equal(outcome.description, `the project's restore point "${name}"`);
  assert.match(outcome.restore, /dashboard\/project\/abcdefghijklmnopqrst\/database\/backups$/);
});

Deno.test("a restore point that fails is no backup", async () => {
  const { outcome } = await ask([[201, { name: "x", status: "FAILED" }]]);
  assert.ok(outcome instanceof Error);
  assert.match(outcome.message, /^The project's restore point "sm-\d{14}" is not there: failed$/);
});

Deno.test("where the plan has no restore points, the newest backup counts, if it is no older than a day", async () => {
  const refused: [number, unknown] = [403, { message: "Forbidden" }];
  const at = (hours: number) => new Date(Date.now() - hours * 3_600_000).toISOString();
  const backups = (...list: [status: string, hours: number][]) =>
    ask([refused, [200, {
      pitr_enabled: false,
      backups: list.map(([status, hours]) => ({ status, inserted_at: at(hours) })),
    }]]);
  const { outcome: fresh } = await backups(["COMPLETED", 30], ["COMPLETED", 3], ["FAILED", 1]);
  assert.ok(!(fresh instanceof Error), String(fresh));
  assert.match(
    fresh.description,
    /^the project's own of .*Z, 3 h.* old: what came in since is not in it$/,
  );
  assert.match(
    String((await backups(["COMPLETED", 30])).outcome),
    /The project's newest backup is 30 h old/,
  );
  assert.match(
    String((await backups(["FAILED", 1])).outcome),
    /The project has no backup of its own/,
  );

  const { outcome: any } = await ask([refused, [200, { pitr_enabled: true, backups: [] }]]);
  assert.ok(!(any instanceof Error), String(any));
  assert.match(any.description, /^the project's point-in-time recovery, to /);
});

Deno.test("an answer that is none is told, without the token", async () => {
  const token = "sbp_0123456789abcdef0123456789abcdef01234567";
  for (const answer of [[401, `no ${token}`], [200, "<html>"]] as [number, string][]) {
    const { outcome } = await ask([[403, "{}"], answer]);
    assert.match(
      String(outcome),
      /The Management API does not tell of the project's backups \(HTTP \d+\)/,
    );
    assert.ok(!String(outcome).includes(token));
  }
});
