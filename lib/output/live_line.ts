/** The last line of a terminal, which says what goes on, and is drawn anew while it does. @module */

import { formatDuration } from "../duration.ts";
import { cutEnd } from "./columns.ts";

/** How often it is drawn anew, in milliseconds. */
const EVERY_MS = 500;

/** What changes more often than that is not seen anyway. */
const LEAST_EVERY_MS = 15;

/** How many cells are kept free for the time that it takes. */
const TIME_WIDTH = 10;

/** What is shown: one line, fit to be written, for so many cells. */
export type Draw = (width: number) => string;

/** One line at the end of the screen. Nothing else may be written while it is there. */
export class LiveLine {
  readonly #write: (text: string) => void;
  readonly #width: () => number;
  #shown: { draw: Draw; since: number; timer: ReturnType<typeof setInterval> } | undefined;
  #drawnAt = -Infinity;

  /**
   * @param write Writes to the terminal.
   * @param width How wide it is at the moment.
   */
  constructor(write: (text: string) => void, width: () => number) {
    this.#write = write;
    this.#width = width;
  }

  /** Whether it is there. */
  get isShown(): boolean {
    return this.#shown !== undefined;
  }

  /** Since when what it shows has been going on. */
  get since(): number | undefined {
    return this.#shown?.since;
  }

  /** Shows something, in the place of what was there. */
  show(draw: Draw, since = performance.now()): void {
    const isNew = this.#shown === undefined;
    if (this.#shown !== undefined) clearInterval(this.#shown.timer);
    this.#shown = { draw, since, timer: setInterval(() => this.#redraw(), EVERY_MS) };
    // What comes too soon is drawn by what comes next, or by the timer.
    if (isNew || performance.now() - this.#drawnAt >= LEAST_EVERY_MS) this.#redraw();
  }

  #redraw(): void {
    const { draw, since } = this.#shown!;
    this.#drawnAt = performance.now();
    const age = this.#drawnAt - since;
    // A line that fills the screen's width makes some terminals begin the next one.
    const width = Math.max(10, this.#width() - 1);
    const text = cutEnd(draw(width - TIME_WIDTH), width - TIME_WIDTH);
    this.#write(`\r\x1b[2K${text}${age < 1000 ? "" : ` … ${formatDuration(age)}`}`);
  }

  /** Takes it away. */
  clear(): void {
    if (this.#shown === undefined) return;
    clearInterval(this.#shown.timer);
    this.#shown = undefined;
    this.#write("\r\x1b[2K");
  }
}
