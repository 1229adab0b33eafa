/** What is written where: results, progress, and a live line on a terminal. @module */

import type { FilePosition } from "../errors.ts";
import type { ProgressEvent } from "../operations/context.ts";
import { styleText } from "node:util";
import { formatAnnotation } from "./errors.ts";
import { formatDuration } from "../duration.ts";

/** Something that text can be written to, such as `process.stdout`. */
export interface Writer {
  /** Whether it is a terminal, which can take cursor movement. */
  readonly isTTY?: boolean;
  /** Writes text as it is. */
  write(text: string): unknown;
}

/** How much is written, and in what form. */
export interface ReportStyle {
  /** One JSON document on standard output, and nothing else there. */
  readonly json: boolean;
  /** Nothing but errors. */
  readonly quiet: boolean;
  /** Each step, where there is no terminal for a live line. */
  readonly verbose: boolean;
  /** Colours, on a terminal. */
  readonly color: boolean;
  /** Takes secrets out of everything that is written. */
  readonly redact?: (text: string) => string;
  /** The folder of the migrations, where GitHub is to show errors at the lines of its files. */
  readonly annotate?: string;
}

/** What `fresh` says as it goes. */
const PHASES = {
  rollback: "🗑️  Rolling back all migrations...",
  drop: "🗑️  Emptying the application's schemas...",
  migrate: "✅ All migrations rolled back\n\n🚀 Running fresh migration...",
} as const;

/** Writes results to standard output and progress to standard error. */
export class Reporter {
  readonly #out: Writer;
  readonly #err: Writer;
  readonly #style: ReportStyle;
  readonly #redact: (text: string) => string;
  #live: { timer: ReturnType<typeof setInterval>; text: string; since: number } | undefined;

  /**
   * @param out Standard output.
   * @param err Standard error.
   * @param style How much to write, and in what form.
   */
  constructor(out: Writer, err: Writer, style: ReportStyle) {
    this.#out = out;
    this.#err = err;
    this.#style = style;
    this.#redact = style.redact ?? ((text) => text);
  }

  /** Writes text for a person; nothing where JSON is asked for, or quiet. */
  say(text: string): void {
    this.stopLive();
    if (text !== "" && !this.#style.json && !this.#style.quiet) this.#print(this.#out, text);
  }

  /** Writes text for a person also where it was asked to be quiet: what failed. */
  sayFailure(text: string): void {
    this.stopLive();
    if (text !== "" && !this.#style.json) this.#print(this.#out, text);
  }

  /** Writes to standard error, whatever the style. */
  warn(text: string): void {
    this.stopLive();
    this.#print(this.#err, text);
  }

  /** Shows an error at the line of its file in a pull request. */
  annotate(message: string, position: FilePosition): void {
    const { annotate: folder } = this.#style;
    if (folder !== undefined) this.warn(formatAnnotation(message, position, folder));
  }

  #print(writer: Writer, text: string): void {
    const safe = this.#redact(text);
    const paints = this.#style.color && writer.isTTY === true;
    writer.write(`${paints ? safe.split("\n").map(paint).join("\n") : safe}\n`);
  }

  /** Writes a result for programs. */
  document(value: unknown): void {
    this.stopLive();
    if (this.#style.json) this.#out.write(`${this.#redact(JSON.stringify(value, null, 2))}\n`);
  }

  /** Shows what is going on. */
  onProgress(event: ProgressEvent): void {
    switch (event.type) {
      case "started": {
        const { migrations: [first = ""], index, total } = event;
        const others = event.migrations.length - 1;
        const verb = event.action === "apply" ? "⏳" : "⏪";
        this.#startLive(
          `${verb} ${index + 1}/${total} ${first}${others > 0 ? ` and ${others} more` : ""}`,
        );
        break;
      }
      case "finished":
        this.stopLive();
        if (this.#style.verbose && !this.#err.isTTY) {
          const verb = event.success
            ? (event.action === "apply" ? "applied" : "rolled back")
            : "failed";
          this.#err.write(`${event.migration} ${verb} (${event.executionTimeMs}ms)\n`);
        }
        break;
      case "waiting":
        this.#startLive(describeWaiting(event));
        break;
      case "notice":
        this.warn(`⚠️  ${event.message}`);
        break;
      case "phase":
        this.say(PHASES[event.phase]);
        break;
    }
  }

  #startLive(text: string): void {
    if (this.#live?.text === text) return;
    this.stopLive();
    if (this.#style.json || this.#style.quiet) return;
    if (!this.#err.isTTY) {
      if (this.#style.verbose) this.#err.write(`${this.#redact(text)}\n`);
      return;
    }
    const since = performance.now();
    const draw = () => {
      const age = performance.now() - since;
      const suffix = age < 1000 ? "" : ` … ${formatDuration(age)}`;
      this.#err.write(`\r\x1b[2K${this.#redact(text)}${suffix}`);
    };
    draw();
    this.#live = { text, since, timer: setInterval(draw, 500) };
  }

  /** Takes the live line away. */
  stopLive(): void {
    if (this.#live === undefined) return;
    clearInterval(this.#live.timer);
    this.#live = undefined;
    this.#err.write("\r\x1b[2K");
  }
}

/** What failed in red, what to do next in cyan, what to look at in yellow. */
function paint(line: string): string {
  const mark = line.trimStart().slice(0, 2);
  const color = { "❌": "red", "💡": "cyan", "⚠️": "yellow" } as const;
  const known = Object.entries(color).find(([sign]) => mark.startsWith(sign));
  return known === undefined ? line : styleText(known[1], line, { validateStream: false });
}

function describeWaiting(event: ProgressEvent & { type: "waiting" }): string {
  if (event.for === "lock") return `🔒 Waiting for ${event.holder ?? "another run"} to finish`;
  const { activity } = event;
  if (activity === null) return "⏳ Waiting for the migration in flight";
  const [blocker] = activity.blockedBy;
  return `⏳ Still running: ${activity.running}` +
    (blocker === undefined ? "" : `, which waits for ${blocker.user} (pid ${blocker.pid})`);
}
