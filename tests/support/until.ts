import { setTimeout as delay } from "node:timers/promises";

/**
 * Resolves when a condition holds.
 *
 * @param awaited What is waited for.
 * @param condition Whether it is there.
 * @param ms How long it may take, in milliseconds.
 * @throws {Error} It takes longer.
 */
export async function until(
  awaited: string,
  condition: () => boolean | Promise<boolean>,
  ms = 20_000,
): Promise<void> {
  const deadline = Date.now() + ms;
  while (!await condition()) {
    if (Date.now() > deadline) throw new Error(`Waited in vain: ${awaited}`);
    await delay(10);
  }
}
