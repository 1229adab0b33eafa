/** Names options as requests have them, where texts name them as the command line does. @module */

const FIELDS: Readonly<Record<string, string>> = {
  "on-change": "onChange",
  "out-of-order": "outOfOrder",
  "safety-copy": "safetyCopy",
  transaction: "transaction",
};

/**
 * Words a text for the caller of an edge function.
 *
 * @param text A hint or an advice.
 * @returns The same with `"onChange": "redo"` in place of `--on-change redo`.
 */
export function nameFields(text: string): string {
  return text.replace("--wait SECONDS", '"waitMs"')
    .replace("--dry-run", '"dryRun": true')
    .replace(
      /--(on-change|out-of-order|safety-copy|transaction) (\w+)/g,
      (_, option: string, value: string) => `"${FIELDS[option]}": "${value}"`,
    );
}
