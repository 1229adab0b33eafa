/** Durations as people say them. @module */

/**
 * A duration in the largest unit that leaves at least two of it.
 *
 * @param ms The duration in milliseconds; a negative one counts as none.
 * @returns Such as `45 s`, `12 min`, `3 h` or `30 days`.
 */
export function formatDuration(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  if (seconds < 172_800) return `${Math.round(seconds / 3600)} h`;
  return `${Math.round(seconds / 86_400)} days`;
}

/** Units by name, in milliseconds. */
const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, min: 60_000, h: 3_600_000 };

/**
 * Reads a duration with its unit.
 *
 * @param text Such as `500ms`, `2s`, `10min` or `1h`; `0` needs no unit.
 * @returns Milliseconds, or undefined where it is none.
 */
export function parseDuration(text: string): number | undefined {
  const [, number, unit] = /^(\d{1,10}(?:\.\d{1,3})?)\s*(ms|s|min|h)?$/.exec(text.trim()) ?? [];
  if (number === undefined) return undefined;
  if (unit === undefined) return Number(number) === 0 ? 0 : undefined;
  return Math.round(Number(number) * UNITS[unit]!);
}
