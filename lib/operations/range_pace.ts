/**
 * How large the ranges of a batch are, and how long the pauses between them: as the database bears it.
 * Pure: no clock.
 *
 * @module
 */

/** How much there is to do besides, in the form of `supamigrate.measure_load`. */
export interface Load {
  /** How far replicas are behind, in milliseconds; null where there are none, or nobody may see it. */
  readonly lag_ms: number | null;
  /** How many sessions are at work. */
  readonly active: number;
  /** How many there can be. */
  readonly connections: number;
}

/** How many rows a first range has at most: nobody knows yet how long they take. */
const FIRST_ROWS = 1000;

/** How long a range is to take, in milliseconds. */
const WANTED_MS = 700;

/** What takes longer holds its rows for too long, and the next one is made smaller at once. */
const LONGEST_MS = 1000;

/** A pause lasts at least this share of the range before it, as with gh-ost's `nice-ratio`. */
const SHARE = 0.25;

/** The same where many sessions are at work. */
const SHARE_WHEN_BUSY = 2;

/** The share of all sessions at work from which on a database is busy. */
const BUSY = 0.25;

/** Replicas that are further behind are waited for; gh-ost's `max-lag-millis` has the same default. */
const MOST_LAG_MS = 1500;

/** How often replicas are looked at that are waited for. */
const LOOK_MS = 1000;

/** The pace of one batch. */
export class RangePace {
  readonly #most: number;
  #rows: number;

  /**
   * @param most How many rows a range has at most.
   * @param before How many the last one had, where some are done.
   */
  constructor(most: number, before = FIRST_ROWS) {
    this.#most = most;
    this.#rows = Math.min(most, before);
  }

  /** How many rows the next range has at most. */
  get rows(): number {
    return this.#rows;
  }

  /**
   * A range is done.
   *
   * @param ms How long it took.
   * @param load How much there was to do besides.
   * @returns How long to pause, in milliseconds.
   */
  next(ms: number, load: Load): number {
    const taken = Math.max(1, ms);
    const isBusy = load.active >= Math.max(2, load.connections * BUSY);
    // Twice as many at most, however quick it was.
    const factor = Math.min(2, WANTED_MS / taken) * (isBusy ? 0.5 : 1);
    const isFine = taken <= LONGEST_MS && taken > WANTED_MS && !isBusy;
    if (!isFine) {
      this.#rows = Math.max(1, Math.min(this.#most, Math.round(this.#rows * factor)));
    }
    return Math.round(taken * (isBusy ? SHARE_WHEN_BUSY : SHARE));
  }

  /** How long to wait until replicas are looked at again, in milliseconds; 0 where they keep up. */
  static waitFor({ lag_ms: lagMs }: Load): number {
    return lagMs !== null && lagMs > MOST_LAG_MS ? LOOK_MS : 0;
  }
}
