/** The line that a run of many migrations is followed by. Pure but for the clock it is given. @module */

import { formatDuration } from "../duration.ts";
import { cutEnd, measure } from "./columns.ts";

/** A run of more has a bar. */
export const MANY = 10;

/** What the rate is taken from, in milliseconds: a run is not as fast at its end as at its beginning. */
const WINDOW_MS = 20_000;

/** No rate before this: it would be made of what happened by chance. */
const LEAST_MS = 1000;

/** How wide the drawn part may get, and how narrow. */
const MOST_DRAWN = 20;
const LEAST_DRAWN = 8;

/** How narrow what runs may get before figures are left out, and before it is left out itself. */
const LEAST_NAME = 12;
const LEAST_CUT = 5;

/** A run of many, and how far it has come. */
export class ProgressBar {
  /** How many there are. */
  readonly total: number;
  #done = 0;
  /** When how many were done; the oldest one is the beginning of what the rate is taken from. */
  readonly #seen: { at: number; done: number }[];

  /**
   * @param total How many there are.
   * @param now The time, in milliseconds.
   */
  constructor(total: number, now: number) {
    this.total = total;
    this.#seen = [{ at: now, done: 0 }];
  }

  /** How many are done. */
  get done(): number {
    return this.#done;
  }

  /** Takes over how many are done. */
  tell(done: number, now: number): void {
    if (done <= this.#done) return;
    this.#done = Math.min(done, this.total);
    this.#seen.push({ at: now, done: this.#done });
    while (this.#seen.length > 2 && this.#seen[1]!.at < now - WINDOW_MS) this.#seen.shift();
  }

  /** How many a second, over the last while, or undefined where nobody can say yet. */
  rateAt(now: number): number | undefined {
    const from = this.#seen[0]!;
    const passed = now - from.at;
    return passed < LEAST_MS || this.#done <= from.done
      ? undefined
      : 1000 * (this.#done - from.done) / passed;
  }

  /**
   * Draws it on one line.
   *
   * @param sign Stands before it.
   * @param text What is running.
   * @param isLong There is more to say of it than its name: nothing is drawn where that takes the room.
   * @param width How many cells there are.
   * @param now The time.
   */
  draw(sign: string, text: string, isLong: boolean, width: number, now: number): string {
    const count = `${sign} ${String(this.#done).padStart(String(this.total).length)}/${this.total}`;
    const share = this.#done / this.total;
    const percent = `${String(Math.floor(100 * share)).padStart(3)} %`;
    const rate = this.rateAt(now);
    const left = rate === undefined || this.#done === this.total
      ? undefined
      : 1000 * (this.total - this.#done) / rate;
    const figures = [
      { says: percent, leaveOut: 1 },
      ...(rate === undefined ? [] : [{ says: `${formatRate(rate)}/s`, leaveOut: 3 }]),
      ...(left === undefined ? [] : [{ says: `${formatDuration(left)} left`, leaveOut: 2 }]),
    ];
    // The highest number goes first, where the name would not be recognised any more.
    const name = Math.min(measure(text), LEAST_NAME);
    const say = (figures: readonly { says: string }[]) =>
      figures.map(({ says }) => says).join(", ");
    while (
      figures.length > 0 && measure(`${count} ${say(figures)}  `) + name > width
    ) {
      const least = figures.reduce((a, b) => a.leaveOut > b.leaveOut ? a : b);
      figures.splice(figures.indexOf(least), 1);
    }
    const parts = figures.length === 0 ? "" : ` ${say(figures)}`;
    const room = width - measure(count) - measure(parts) - 3;
    const wanted = isLong ? measure(text) : Math.floor(width / 3);
    const drawn = Math.min(MOST_DRAWN, Math.floor(width / 6), room - wanted);
    const filled = Math.round(drawn * share);
    const bar = drawn < LEAST_DRAWN ? "" : ` ${"█".repeat(filled)}${"░".repeat(drawn - filled)}`;
    const figured = `${count}${bar}${parts}`;
    const rest = width - measure(figured) - 2;
    return rest < LEAST_CUT
      ? cutEnd(figured, width)
      : `${figured}  ${cutEnd(text, rest)}`.trimEnd();
  }
}

function formatRate(rate: number): string {
  return rate < 10 ? rate.toFixed(1) : String(Math.round(rate));
}
