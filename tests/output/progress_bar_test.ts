import assert from "node:assert/strict";
import { measure } from "../../lib/output/columns.ts";
import { ProgressBar } from "../../lib/output/progress_bar.ts";

Deno.test("a bar says how many are done, how fast, how long it takes, and what runs", () => {
  const bar = new ProgressBar(300, 0);
  assert.equal(
    bar.draw("⏳", "001_a.sql", false, 96, 0),
    "⏳   0/300 ░░░░░░░░░░░░░░░░   0 %  001_a.sql",
  );
  bar.tell(75, 5000);
  assert.equal(
    bar.draw("⏳", "076_b.sql line 2", true, 96, 5000),
    "⏳  75/300 ████░░░░░░░░░░░░  25 %, 15/s, 15 s left  076_b.sql line 2",
  );
  assert.equal(
    bar.draw("⏳", "076_b.sql line 2, waits for pid 4711 (app_user, psql)", true, 96, 5000),
    "⏳  75/300  25 %, 15/s, 15 s left  076_b.sql line 2, waits for pid 4711 (app_user, psql)",
  );
  bar.tell(300, 10_000);
  assert.match(bar.draw("⏳", "", false, 96, 10_000), /^⏳ 300\/300 █{16} 100 %, 30\/s$/);
});

Deno.test("where there is little room, what matters least is left out, and no figure is cut", () => {
  const bar = new ProgressBar(300, 0);
  bar.tell(75, 5000);
  const lines = [70, 50, 45, 40, 30, 20, 12, 10].map((width) =>
    bar.draw("⏳", "076_add_invoices.sql", false, width, 5000)
  );
  assert.deepEqual(lines, [
    "⏳  75/300 ███░░░░░░░░  25 %, 15/s, 15 s left  076_add_invoices.sql",
    "⏳  75/300  25 %, 15/s, 15 s left  076_add_invoic…",
    "⏳  75/300  25 %, 15 s left  076_add_invoice…",
    "⏳  75/300  25 %  076_add_invoices.sql",
    "⏳  75/300  25 %  076_add_inv…",
    "⏳  75/300  076_add…",
    "⏳  75/300",
    "⏳  75/300",
  ]);
});

Deno.test("the rate is that of the last while, and falls while nothing ends", () => {
  const bar = new ProgressBar(1000, 0);
  assert.equal(bar.rateAt(500), undefined);
  for (let second = 1; second <= 10; second++) bar.tell(50 * second, 1000 * second);
  assert.equal(bar.rateAt(10_000), 50);
  assert.equal(bar.rateAt(20_000), 25);
  for (let second = 30; second <= 60; second++) bar.tell(500 + second, 1000 * second);
  const rate = bar.rateAt(60_000)!;
  assert(rate > 0.9 && rate < 1.2, `${rate} a second`);
});

Deno.test("it never goes back, nor beyond its end, and fits any screen", () => {
  const bar = new ProgressBar(20, 0);
  bar.tell(5, 2000);
  bar.tell(3, 2100);
  assert.equal(bar.done, 5);
  bar.tell(25, 3000);
  assert.equal(bar.done, 20);
  for (let width = 10; width < 200; width++) {
    assert(
      measure(bar.draw("⏪", "表を追加する 🚀".repeat(20), width % 2 === 0, width, 5000)) <= width,
    );
  }
});
