/** Findings as SARIF 2.1.0, which code scanning of GitHub and others reads. @module */

import { CHECKS } from "../lint/checks.ts";
import type { Finding, Level } from "../lint/finding.ts";
import { RULES } from "../lint/rules.ts";

const LEVELS: Readonly<Record<Level, "error" | "warning" | "note">> = {
  error: "error",
  warn: "warning",
  info: "note",
};

/**
 * Writes findings as a SARIF log.
 *
 * @param findings The findings.
 * @param folder The folder of the migrations, as the repository names it.
 * @param version The version of this tool.
 */
export function toSarif(findings: readonly Finding[], folder: string, version: string): object {
  const known = [
    ...RULES,
    ...Object.entries(CHECKS).map(([code, check]) => ({ code, ...check })),
  ];
  const codes = known.map(({ code }) => code);
  return {
    $schema: "https://json.schemastore.org/sarif-2.1.0.json",
    version: "2.1.0",
    runs: [{
      tool: {
        driver: {
          name: "supamigrate",
          version,
          rules: known.map(({ code, title, level, reason, remedy }) => ({
            id: code,
            shortDescription: { text: title },
            fullDescription: { text: reason },
            help: { text: remedy },
            defaultConfiguration: { level: LEVELS[level] },
          })),
        },
      },
      // Columns are counted in characters.
      columnKind: "unicodeCodePoints",
      results: findings.map((finding) => toResult(finding, codes.indexOf(finding.code), folder)),
    }],
  };
}

function toResult(
  { code, level, file, line, column, message, reason, remedy }: Finding,
  ruleIndex: number,
  folder: string,
): object {
  return {
    ruleId: code,
    ...(ruleIndex === -1 ? {} : { ruleIndex }),
    level: LEVELS[level],
    message: { text: `${message}. ${reason}. ${remedy}` },
    locations: [{
      physicalLocation: {
        artifactLocation: toLocation(`${folder}/${file}`),
        region: { startLine: line, ...(column === undefined ? {} : { startColumn: column }) },
      },
    }],
  };
}

/** A path below the repository, or an address. */
function toLocation(path: string): { uri: string; uriBaseId?: string } {
  const uri = path.replaceAll("\\", "/").split("/").map(encodeURIComponent).join("/");
  return uri.startsWith("/")
    ? { uri: `file://${uri}` }
    : { uri: uri.replace(/^\.\//, ""), uriBaseId: "%SRCROOT%" };
}
