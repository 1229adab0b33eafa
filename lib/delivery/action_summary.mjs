/**
 * What `action.yml` makes of a command's JSON: the output `result`, and a table in the job's
 * summary. Plain JavaScript, for the runner's Node to run it as it is.
 *
 * @module
 */

import { randomUUID } from "node:crypto";
import { appendFileSync, readFileSync } from "node:fs";
import process from "node:process";

const [path = "", code = ""] = process.argv.slice(2);
const text = readFileSync(path, "utf8").trim();
// The text may hold anything but this line.
const end = randomUUID();
append("GITHUB_OUTPUT", `result<<${end}\n${text}\n${end}\n`);
append("GITHUB_STEP_SUMMARY", summarize(text, code));

/** Adds to one of the files that a runner names. */
function append(name, addition) {
  const file = process.env[name];
  if (file === undefined) throw new Error(`${name} is not set: this runs in GitHub Actions`);
  appendFileSync(file, addition);
}

/** The summary, as Markdown. */
function summarize(text, code) {
  const heading = `### supamigrate: ${code === "0" ? "done" : `exit code ${code}`}\n\n`;
  // A command that could not start has said why on standard error.
  if (text === "") return `${heading}There is no result; the step's log says why.\n`;
  const result = JSON.parse(text);
  const rows = toRows(result);
  if (result.error) return `${heading}${escape(result.error.message)}\n`;
  // Other commands have no migrations to show, and what they found is not nothing.
  if (rows.length === 0) {
    return heading + (code === "0" ? "" : "The step's log says why.\n");
  }
  return heading + [
    "| Migration | Result | Duration |",
    "| --- | --- | ---: |",
    ...rows.map((cells) => `| ${cells.map(escape).join(" | ")} |`),
    "",
  ].join("\n");
}

/** A row for each migration that was run, planned, or is pending. */
function toRows({ results = [], planned = [], pending = [], dryRun = false }) {
  const ended = new Set(results.map(({ name }) => name));
  return [
    ...results.map(({ name, success, error, executionTimeMs }) => [
      name,
      success ? "done" : `failed: ${error?.message ?? "see the log"}`,
      executionTimeMs === undefined ? "" : `${executionTimeMs} ms`,
    ]),
    ...planned.filter(({ name }) => !ended.has(name))
      .map(({ name }) => [name, dryRun ? "planned" : "not run", ""]),
    ...pending.map(({ name }) => [name, "pending", ""]),
  ];
}

/** A text that Markdown and HTML show as it is, on one line. */
function escape(text) {
  return String(text)
    .replace(/\s+/g, " ")
    .replace(/[&<>|`*_[\]\\~!@#$:]/g, (character) => `&#${character.codePointAt(0)};`);
}
