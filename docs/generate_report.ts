/**
 * Makes the sample of a report and its pictures, `docs/report.html`, `report_light.png` and
 * `report_dark.png`: the platform's migrations on an embedded database, of which one was rolled back
 * and failed with a mistake in it. Needs Chromium.
 *
 * @module
 */

import { createClient } from "@supabase/supabase-js";
import { instance } from "@viz-js/viz";
import { chromium } from "playwright-core";
import { openForMigrations } from "../lib/embedded/migrations.ts";
import { renderPage } from "../lib/report/page.ts";
import { createMigrator, type ReportData } from "../mod.ts";

const MIGRATIONS = new URL("../migrations/", import.meta.url);

async function readMigrations(): Promise<Record<string, string>> {
  const texts: Record<string, string> = {};
  for await (const { name } of Deno.readDir(MIGRATIONS)) {
    if (name.endsWith(".sql")) texts[name] = await Deno.readTextFile(new URL(name, MIGRATIONS));
  }
  return texts;
}

async function makeData(): Promise<ReportData> {
  const texts = await readMigrations();
  const last = Object.keys(texts).sort().at(-1)!;
  const mistaken = {
    ...texts,
    [last]: texts[last]!.replace("references celebrities", "references celebrity"),
  };
  const database = await openForMigrations();
  try {
    const client = createClient(database.url, database.serviceKey, {
      global: { fetch: database.fetch },
      auth: { persistSession: false, autoRefreshToken: false },
    });
    const open = (migrations: Record<string, string>, holder: string) =>
      createMigrator({ client, migrations, holder });
    await open(texts, "ada@laptop").migrate();
    await open(texts, "ada@laptop").rollback({ steps: 1 });
    await open(mistaken, "deploy@runner").migrate();
    const { data } = await open(texts, "deploy@runner").report({ drift: true });
    return {
      ...data,
      project: { kind: "embedded", name: "celebrity bookings", url: "a sample" },
    };
  } finally {
    await database.close();
  }
}

const page = new URL("./report.html", import.meta.url);
await Deno.writeTextFile(page, await renderPage(await makeData(), await instance()));

const browser = await chromium.launch({
  executablePath: Deno.env.get("CHROMIUM") ?? "/usr/bin/chromium",
  args: ["--no-sandbox"],
});
for (const scheme of ["light", "dark"] as const) {
  const tab = await browser.newPage({
    viewport: { width: 1440, height: 900 },
    colorScheme: scheme,
  });
  await tab.goto(`${page.href}#diagram/public.celebrities`);
  await tab.screenshot({ path: new URL(`./report_${scheme}.png`, import.meta.url).pathname });
}
await browser.close();
