/** Preloaded into a client whose clock is to be wrong. */

const skew = Number(Deno.env.get("CLOCK_SKEW_MS"));
const RealDate = Date;
globalThis.Date = class extends RealDate {
  constructor(...given: unknown[]) {
    super(...(given.length === 0 ? [RealDate.now() + skew] : given) as [number]);
  }
  static override now(): number {
    return RealDate.now() + skew;
  }
} as DateConstructor;
