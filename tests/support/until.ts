import { setTimeout as delay } from "node:timers/promises";

/**
 * Resolves when a condition holds.
 *
 * @throws {Error} If it does not within 20 seconds, saying what was waited for.
 */
export async function until(
  awaited: string,
  condition: () => boolean | Promise<boolean>,
): Promise<void> {
  const deadline = Date.now() + 20_000;
  while (!await condition()) {
    if (Date.now() > deadline) throw new Error(`Waited in vain: ${awaited}`);
    await delay(10);
  }
}
