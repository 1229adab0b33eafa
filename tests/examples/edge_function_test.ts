import assert from "node:assert/strict";
import { handle } from "../../examples/edge-function/index.ts";
import { INSTALL_SQL } from "../../lib/database/bootstrap.ts";
import { startStack } from "../support/stack.ts";

const stack = await startStack({ major: 17 });
Deno.test.afterAll(async () => await stack[Symbol.asyncDispose]());

Deno.test("the example of an edge function migrates its project, for the service role alone", async () => {
  await using project = await stack.createProject({ setup: INSTALL_SQL });
  Deno.env.set("SUPABASE_URL", project.url);
  Deno.env.set("SUPABASE_SERVICE_ROLE_KEY", project.serviceKey);
  const call = async (key: string) => {
    const response = await handle(
      new Request("http://functions.localhost/migrate", {
        method: "POST",
        headers: { authorization: `Bearer ${key}` },
      }),
    );
    return { status: response.status, body: await response.json() };
  };

  assert.equal((await call(project.anonKey)).status, 401);
  const first = await call(project.serviceKey);
  assert.equal(first.status, 200, JSON.stringify(first.body));
  assert.equal(first.body.migrationsRun, 1);
  assert.equal((await call(project.serviceKey)).body.migrationsRun, 0);
  assert.deepEqual(await project.sql("select count(*)::int from notes"), [{ count: 0 }]);
});
