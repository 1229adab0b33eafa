import assert from "node:assert/strict";
import { instance } from "@viz-js/viz";
import { type Browser, chromium, type Locator, type Page } from "playwright-core";
import { renderPage } from "../../lib/report/page.ts";
import { describeTest, findMissing } from "../support/programs.ts";
import { manyTables, reportOf } from "./fixture.ts";

const SAMPLE = new URL("../../docs/report.html", import.meta.url).href;

/** Opens a page, and takes down all that it asks for and complains of. */
async function open(browser: Browser, url: string, colorScheme: "light" | "dark" = "light") {
  const page = await browser.newPage({ viewport: { width: 1440, height: 900 }, colorScheme });
  const troubles: string[] = [];
  page.on("console", (message) => troubles.push(message.text()));
  page.on("pageerror", ({ message }) => troubles.push(message));
  page.on("request", (request) => {
    if (request.url() !== url.replace(/#.*/, "")) troubles.push(`request of ${request.url()}`);
  });
  await page.goto(url);
  return { page, troubles };
}

/** Waits until the page's address has this behind #: it hears of a change after what led to it. */
async function arriveAt(page: Page, hash: string): Promise<void> {
  await page.waitForURL((url) => url.hash === hash, { timeout: 5000 });
}

/** What is seen of the diagram. */
async function viewBox(page: Page): Promise<{ x: number; y: number; width: number }> {
  const [x = 0, y = 0, width = 0] = (await page.locator(".stage svg").getAttribute("viewBox"))!
    .split(" ").map(Number);
  return { x, y, width };
}

async function heightOfLetters(box: Locator): Promise<number> {
  return (await box.locator(":scope > text").boundingBox())!.height;
}

/** Asserts that a table of the diagram is on the screen, in letters that can be read. */
async function seeToRead(page: Page, id: string): Promise<void> {
  const box = page.locator(`.boxes .chosen[data-id="${id}"]`);
  await box.waitFor();
  const [inner, outer] = [
    (await box.boundingBox())!,
    (await page.locator(".stage").boundingBox())!,
  ];
  assert.ok(inner.x >= outer.x && inner.x + inner.width <= outer.x + outer.width);
  assert.ok(inner.y >= outer.y && inner.y + inner.height <= outer.y + outer.height);
  const letters = await heightOfLetters(box);
  assert.ok(letters >= 11, `a line of ${letters} px`);
}

/** Where a program on the PATH is. */
async function findPath(program: string): Promise<string> {
  const { stdout } = await new Deno.Command("sh", { args: ["-c", `command -v ${program}`] })
    .output();
  return new TextDecoder().decode(stdout).trim();
}

async function trySample(browser: Browser): Promise<void> {
  const { page, troubles } = await open(browser, `${SAMPLE}#diagram`);

  // All 60 tables are on the screen, in letters that can be read.
  const boxes = page.locator(".boxes a");
  assert.equal(await boxes.count(), 60);
  const stage = (await page.locator(".stage").boundingBox())!;
  const rects = await boxes.evaluateAll((all) =>
    all.map((box) => {
      const { left, right, top, bottom } = box.getBoundingClientRect();
      const letters = box.querySelector(":scope > text")!.getBoundingClientRect().height;
      return { id: box.getAttribute("data-id"), left, right, top, bottom, letters };
    })
  );
  const outside = rects.filter(({ left, right, top, bottom }) =>
    left < stage.x || right > stage.x + stage.width || top < stage.y ||
    bottom > stage.y + stage.height
  );
  const letters = Math.min(...rects.map(({ letters }) => letters));
  assert.deepEqual(outside, []);
  assert.ok(letters >= 14, `a line of ${letters} px`);

  // A click shows a table, and how it hangs together with others.
  await page.locator('[data-id="public.bookings"]').click();
  await arriveAt(page, "#diagram/public.bookings");
  const panel = page.locator("#panel");
  assert.match(
    await panel.filter({ has: page.locator("h2") }).innerText(),
    /^bookings\n[^]*celebrity_id\s+uuid\s+→ celebrities/,
  );
  assert.deepEqual(
    await page.locator(".boxes a.near").evaluateAll((all) =>
      all.map((box) => box.getAttribute("data-id")).sort()
    ),
    ["public.booking_offers", "public.events", "public.service_types"],
  );

  // The wheel zooms at the pointer, a drag moves, and the keyboard does both.
  const before = await viewBox(page);
  await page.mouse.move(400, 400);
  await page.mouse.wheel(0, -200);
  const zoomed = await viewBox(page);
  assert.ok(zoomed.width < before.width && zoomed.x > before.x && zoomed.y > before.y);
  await page.mouse.down();
  await page.mouse.move(500, 450);
  await page.mouse.up();
  const moved = await viewBox(page);
  assert.ok(moved.x < zoomed.x && moved.y < zoomed.y && moved.width === zoomed.width);
  assert.equal(new URL(page.url()).hash, "#diagram/public.bookings", "a drag is no click");
  await page.locator(".stage").focus();
  await page.keyboard.press("+");
  assert.ok((await viewBox(page)).width < moved.width);
  await page.keyboard.press("ArrowRight");
  assert.ok((await viewBox(page)).x > moved.x);
  await page.keyboard.press("Escape");
  await arriveAt(page, "#diagram");
  await panel.filter({ hasNotText: /./ }).waitFor({ state: "attached" });
  await page.keyboard.press("0");

  // The search dims what is not meant, by tables and by columns.
  await page.keyboard.press("/");
  await page.keyboard.type("refunds");
  assert.equal(await page.locator(".boxes a:not(.faint)").count(), 1);
  assert.equal(await page.locator("#found").innerText(), "1 of 60");
  await page.keyboard.press("Enter");
  await arriveAt(page, "#diagram/public.refunds");
  await page.locator("#search").fill("average_rating");
  assert.equal(await page.locator("#found").innerText(), "0 of 60", "it is pending");
  await page.locator("#search").fill("");

  // A link to a migration opens it, and colours its SQL.
  await page.locator('nav a[href="#migrations"]').click();
  await page.locator("summary", { hasText: "add_celebrity_ratings" }).first().click();
  const opened = page.locator('[id^="migration/"][open]');
  assert.ok(await opened.locator(".k").count() > 20);
  assert.match(await opened.innerText(), /relation "celebrity" does not exist/);
  assert.deepEqual(troubles, []);
  await page.close();
}

async function tryDarkAndNarrow(browser: Browser): Promise<void> {
  const link = `${SAMPLE}#table/public.celebrity_ratings`;
  const { page, troubles } = await open(browser, link, "dark");
  const table = page.locator('[id="table/public.celebrity_ratings"]');
  assert.equal(await table.getAttribute("open"), "");
  assert.ok(await table.locator("summary").first().isVisible());
  const colour = () =>
    page.locator("body").evaluate((body) =>
      body.ownerDocument.defaultView!.getComputedStyle(body).backgroundColor
    );
  const dark = await colour();
  await page.locator("#theme").click();
  assert.notEqual(await colour(), dark);
  await page.setViewportSize({ width: 390, height: 800 });
  for (const view of ["overview", "migrations", "diagram", "tables", "policies", "log"]) {
    await page.locator(`nav a[href="#${view}"]`).click();
    const wide = await page.locator("html").evaluate(({ scrollWidth }) => scrollWidth);
    assert.ok(wide <= 390, `${view} is ${wide} px wide`);
    assert.ok(await page.locator(`#${view}`).isVisible());
  }
  // With everything open, too: what is wider scrolls by itself.
  for (const view of ["migrations", "tables"]) {
    await page.locator(`nav a[href="#${view}"]`).click();
    await page.locator(`#${view} details`).evaluateAll((all) => {
      for (const details of all) details.setAttribute("open", "");
    });
    const wide = await page.locator("html").evaluate(({ scrollWidth }) => scrollWidth);
    assert.ok(wide <= 390, `${view} is ${wide} px wide when all is open`);
  }
  assert.deepEqual(troubles, []);
  await page.close();
}

async function tryFewAndManyTables(browser: Browser): Promise<void> {
  const path = await Deno.makeTempFile({ prefix: "supamigrate-report-", suffix: ".html" });
  try {
    await Deno.writeTextFile(path, await renderPage(reportOf([]), await instance()));
    const { page: empty, troubles: ofEmpty } = await open(browser, `file://${path}#diagram`);
    assert.match(await empty.locator("#diagram").innerText(), /There are no tables yet/);
    assert.deepEqual(ofEmpty, []);
    await empty.close();
    await Deno.writeTextFile(path, await renderPage(reportOf(manyTables(400)), await instance()));
    const { page, troubles } = await open(browser, `file://${path}#diagram`);
    await page.locator("#search").fill("orders_396");
    assert.equal(await page.locator("#found").innerText(), "1 of 400");
    await page.keyboard.press("Enter");
    const panel = page.locator("#panel").filter({ has: page.locator("h2") });
    assert.match(await panel.innerText(), /^orders_396\n/);
    await seeToRead(page, "public.orders_396");
    // So does a link to it, and a click, on a small screen too.
    await page.goto(`file://${path}#diagram/public.products_4`);
    await seeToRead(page, "public.products_4");
    await page.setViewportSize({ width: 390, height: 800 });
    await page.locator('nav a[href="#overview"]').click();
    await page.locator('nav a[href="#diagram"]').click();
    const box = page.locator('.boxes [data-id="public.customers_7"]');
    assert.ok(await heightOfLetters(box) < 9);
    await box.click();
    await arriveAt(page, "#diagram/public.customers_7");
    await seeToRead(page, "public.customers_7");
    assert.deepEqual(troubles, []);
    await page.close();
  } finally {
    await Deno.remove(path);
  }
}

Deno.test({
  ...describeTest("a page works from disk in a browser, and asks for nothing", async () => {
    const browser = await chromium.launch({
      executablePath: await findPath("chromium"),
      args: ["--no-sandbox"],
    });
    try {
      await trySample(browser);
      await tryDarkAndNarrow(browser);
      await tryFewAndManyTables(browser);
    } finally {
      await browser.close();
    }
  }, await findMissing(["chromium"])),
  // Its client keeps what it has begun for the next page.
  sanitizeOps: false,
  sanitizeResources: false,
});
