/**
 * What the action makes of a command's JSON: its output `result`, and a table in the summary of the
 * run. Plain JavaScript, as it is run by any Node, from the action's own folder.
 *
 * @module
 */

import { appendFileSync, readFileSync } from "node:fs";
import process from "node:process";

/** How much of a text is shown: a summary may have a megabyte in all. */
const MOST = 2000;

/** Text from files and servers, as text: no markup of its own, no end of a table's cell. */
function cell(value) {
  const text = String(value ?? "");
  return (text.length > MOST ? `${text.slice(0, MOST)}…` : text)
    .replace(/[&<>]/g, (sign) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;" })[sign])
    .replace(/[\\`*_{}[\]()#+!|~@]/g, (sign) => `\\${sign}`)
    .replace(/\s+/g, " ");
}

function table(head, rows) {
  return [head, head.map(() => "---"), ...rows].map((row) => `| ${row.join(" | ")} |`);
}

function duration(ms) {
  return ms === undefined || ms === null ? "" : `${Number(ms).toLocaleString("en-US")} ms`;
}

/** Seeds, and what adopt finds, are named; all else has its name in it. */
function toItem(item) {
  return typeof item === "string" ? { name: item } : item;
}

/** What became of a migration that was planned. */
function describe(result, isUndo) {
  if (result === undefined) return "not run";
  if (result.success) return isUndo ? "↩️ rolled back" : "✅ applied";
  const { message, code, line } = result.error ?? {};
  if (result.undone) return "↩️ undone with the run";
  return `❌ ${cell(message)}${code ? ` (${cell(code)})` : ""}${line ? ` in line ${line}` : ""}`;
}

function tableOfRun({ planned, results = [], dryRun }, isUndo) {
  const byName = new Map(results.map((result) => [result.name, result]));
  return table(
    ["Migration", "Reason", "Result", "Duration"],
    planned.map(toItem).map(({ name, reason }) => [
      cell(name),
      cell(reason),
      dryRun ? "planned" : describe(byName.get(name), isUndo),
      duration(byName.get(name)?.executionTimeMs),
    ]),
  );
}

function tableOfPlan({ migrations }) {
  if (migrations.length === 0) return ["✅ Nothing to do: the database is up to date"];
  return table(
    ["Migration", "Reason", "Rollback", "Destroys"],
    migrations.map(({ name, reason, steps, rollback }) => [
      cell(name),
      cell(reason),
      rollback === null ? "⚠️ none" : "yes",
      cell(
        steps.flatMap(({ statements }) => statements.flatMap(({ destroys = [] }) => destroys))
          .join("; "),
      ),
    ]),
  );
}

function summarize(command, document, code) {
  const { target, error } = document;
  const where = target === undefined ? "" : ` on ${cell(target.name)}`;
  const lines = [`### supamigrate ${cell(command)}${where}`, ""];
  if (error !== undefined) {
    lines.push(`❌ ${cell(error.message)}`);
    if (error.hint) lines.push("", `💡 ${cell(error.hint)}`);
    const done = error.completed ?? [];
    if (done.length > 0) {
      lines.push(
        "",
        ...table(
          ["Done before", "Migration"],
          done.map(({ action, name }) => [
            cell(action),
            cell(name),
          ]),
        ),
      );
    }
  } else if (Array.isArray(document.planned)) {
    lines.push(
      ...(document.planned.length === 0
        ? ["✅ Nothing to do: the database is up to date"]
        : tableOfRun(document, "migrationsRolledBack" in document)),
    );
  } else if (Array.isArray(document.adopted)) {
    lines.push(`📌 ${document.dryRun ? "To be recorded" : "Recorded"}: ${document.adopted.length}`);
    if (document.adopted.length > 0) {
      lines.push(
        "",
        ...table(
          ["Migration", "Applied"],
          document.adopted.map(({ name, appliedAt }) => [cell(name), cell(appliedAt)]),
        ),
      );
    }
  } else if (Array.isArray(document.pending)) {
    lines.push(
      document.upToDate ? "✅ Up to date" : `⏳ Pending migrations: ${document.pending.length}`,
    );
    if (document.pending.length > 0) {
      lines.push(
        "",
        ...table(
          ["Migration", "Reason"],
          document.pending.map(({ name, reason }) => [
            cell(name),
            cell(reason),
          ]),
        ),
      );
    }
  } else if (Array.isArray(document.migrations) && "digest" in document) {
    lines.push(...tableOfPlan(document));
  } else if (code === "0") lines.push("✅ Done");
  else lines.push(`❌ Ended with exit code ${cell(code)}: see the log of the step`);
  return `${lines.join("\n")}\n\n`;
}

const [command = "", path = "", code = ""] = process.argv.slice(2);
const text = readFileSync(path, "utf8");
// Nothing is there where the package itself could not be had: npx has said why.
const document = text.trim() === ""
  ? { error: { message: "The command wrote no result: see the log of the step" } }
  : JSON.parse(text);
process.stdout.write(text);
appendFileSync(process.env.GITHUB_OUTPUT, `result=${JSON.stringify(document)}\n`);
appendFileSync(process.env.GITHUB_STEP_SUMMARY, summarize(command, document, code));
