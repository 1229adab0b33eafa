/** What many rounds came to, as tables in Markdown. */

import type { ChaosResult } from "./run.ts";

/**
 * @param result What was counted.
 * @param milliseconds How long it took.
 */
export function formatChaos(result: ChaosResult, milliseconds: number): string {
  const { rounds, byServer, byCommand, byExit, byFault, points, attempts, effects } = result;
  const servers = Object.entries(byServer).map(([name, count]) => `${name}: ${count}`).join(", ");
  return [
    "",
    `${rounds} rounds (${servers}) in ${(milliseconds / 60_000).toFixed(1)} min, ` +
    `${result.violations.length} violations`,
    ...(result.unplayed.length === 0
      ? []
      : [`${result.unplayed.length} rounds could not be played:`, ...result.unplayed]),
    `${attempts} migrations were begun, ${effects} took effect and stayed or were undone by a rollback`,
    `clients were killed or stopped at ${points[0]} of ${points[1]} named points`,
    "",
    ...table("Fault", "Rounds in which it happened", byFault),
    "",
    ...table("Command", "Rounds", byCommand),
    "",
    ...table("Clients ended with", "Times", byExit),
  ].join("\n");
}

function table(name: string, value: string, counts: Readonly<Record<string, number>>): string[] {
  return [
    `| ${name} | ${value} |`,
    "| --- | ---: |",
    ...Object.entries(counts).map(([key, count]) => `| ${key} | ${count} |`),
  ];
}
