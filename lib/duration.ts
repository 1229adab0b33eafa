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
