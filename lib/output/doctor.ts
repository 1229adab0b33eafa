/** What `doctor` does and prints. @module */

import type { Finding } from "../doctor/check.ts";
import type { DoctorResult } from "../operations/doctor.ts";
import type { Report, Run } from "./actions.ts";
import { EXIT_CODES } from "./errors.ts";
import type { JsonDocuments } from "./json_documents.ts";

/** What `doctor` does. */
export async function doctor({ migrator }: Run): Promise<Report<JsonDocuments["doctor"]>> {
  const result = await migrator.doctor();
  return {
    result,
    text: formatDoctor(result),
    code: result.healthy ? EXIT_CODES.done : EXIT_CODES.failed,
  };
}

/** What `doctor` found. */
export function formatDoctor(result: DoctorResult): string {
  const { findings, passed, skipped, log } = result;
  const width = Math.max(...passed.map(({ check }) => check.length), 0);
  const lines = [
    `🩺 Examined over ${result.via}${formatVersions(result)}`,
    "",
    ...passed.map(({ check, title }) => `  ✅ ${check.padEnd(width)}  ${title}`),
    ...[...new Set(skipped.map(({ reason }) => reason))].map((reason) => {
      const names = skipped.filter((item) => item.reason === reason).map(({ check }) => check);
      return `  ⏭️  Not examined, as ${reason}: ${names.join(", ")}`;
    }),
    ...findings.flatMap((finding) => ["", ...formatFinding(finding)]),
    "",
  ];
  if (log?.head) {
    const entries = `${log.entries} ${log.entries === 1 ? "entry" : "entries"}`;
    lines.push(`🔗 Audit log: ${entries}, the last hash is ${log.head}`);
  }
  lines.push(
    findings.length === 0
      ? "✅ Nothing is wrong"
      : `❌ ${findings.length} ${findings.length === 1 ? "finding" : "findings"}`,
  );
  return lines.join("\n");
}

function formatVersions({ serverVersion, postgrestVersion, schemaVersion }: DoctorResult): string {
  const versions = [
    serverVersion === null ? "" : `PostgreSQL ${serverVersion}`,
    postgrestVersion === null ? "" : `PostgREST ${postgrestVersion}`,
    schemaVersion === null ? "" : `tracking schema version ${schemaVersion}`,
  ].filter((version) => version !== "");
  return versions.length === 0 ? "" : `: ${versions.join(", ")}`;
}

function formatFinding({ check, problem, why, mend }: Finding): string[] {
  const block = (text: string) => `        ${indent(text, 8)}`;
  return [
    `❌ ${check}: ${indent(problem, 3)}`,
    `   ${indent(why, 3)}`,
    ...(mend.advice === undefined ? [] : [`   💡 ${indent(mend.advice, 6)}`]),
    ...(mend.sql === undefined ? [] : ["   🔧 In the SQL editor:", block(mend.sql)]),
    ...(mend.command === undefined
      ? []
      : [mend.sql === undefined ? "   🔧 Run:" : "   🔧 Then run:", block(mend.command)]),
  ];
}

/** Names may hold line breaks: what follows one does not begin a line of its own. */
function indent(text: string, spaces: number): string {
  return text.replaceAll("\n", `\n${" ".repeat(spaces)}`);
}
