/** What is written where: results, progress, and a live line on a terminal. @module */

import type { FilePosition } from "../errors.ts";
import type { Activity } from "../database/state.ts";
import type { ProgressEvent } from "../operations/progress.ts";
import { styleText } from "node:util";
import { formatActivity, formatBlocker, formatRange, formatRetry } from "./activity.ts";
import { type AnnotationLevel, formatAnnotation } from "./errors.ts";
import { formatDuration } from "../duration.ts";
import { createRedactor } from "../redact.ts";
import { line, neutralize, neutralizeJson } from "./neutral.ts";
import { type NameCommand, nameCommands } from "./started_as.ts";

/** Something that text can be written to, such as `process.stdout`. */
export interface Writer {
  /** Whether it is a terminal, which can take cursor movement. */
  readonly isTTY?: boolean;
  /** How wide it is, where it is a terminal. */
  readonly columns?: number;
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
  /** The folder of the migrations, where GitHub is to show errors at the lines of its files. */
  readonly annotate?: string;
}

/** What `fresh` says as it goes. */
const PHASES = {
  rollback: "🗑️  Rolling back all migrations...",
  drop: "🗑️  Emptying the application's schemas...",
  migrate: "✅ All migrations rolled back\n\n🚀 Running fresh migration...",
} as const;

/** How often a log is told what runs, in milliseconds. */
const RUNNING_EVERY_MS = 30_000;

/** What of a document is advice, and so names commands. */
const ADVICE: ReadonlySet<string> = new Set(["hint", "advice", "command"]);

/** The colours that cliffy paints its help with. */
// deno-lint-ignore no-control-regex -- terminals are driven by control characters
const COLOR = /(\x1b\[\d{1,2}m)/;

/**
 * Writes results to standard output and progress to standard error. Nothing else writes there:
 * every text passes {@linkcode Reporter.clean} on its way.
 */
export class Reporter {
  readonly #out: Writer;
  readonly #err: Writer;
  readonly #nameCommand: NameCommand;
  readonly #secrets = new Set<string>();
  #style: ReportStyle;
  #redact = createRedactor([]);
  #live:
    | { timer: ReturnType<typeof setInterval>; text: string; since: number; draw: () => void }
    | undefined;
  #activity: Activity | undefined;
  /** Which of how many is under way, and which step of it. */
  #place = { before: "⏳", steps: "" };
  #isFinishing = false;
  #isHeld = false;
  /** When it was last said what runs, where there is no live line. */
  #toldRunning = 0;

  /**
   * @param out Standard output.
   * @param err Standard error.
   * @param style How much to write, and in what form.
   * @param nameCommand How hints name commands.
   */
  constructor(
    out: Writer,
    err: Writer,
    style: ReportStyle,
    nameCommand: NameCommand = (command) => `supamigrate ${command}`,
  ) {
    this.#out = out;
    this.#err = err;
    this.#style = style;
    this.#nameCommand = nameCommand;
  }

  /** Goes on in another style. */
  restyle(style: ReportStyle): void {
    this.#style = style;
  }

  /** From now on these secrets are written nowhere, and those before neither. */
  hide(secrets: readonly string[]): void {
    for (const secret of secrets) this.#secrets.add(secret);
    this.#redact = createRedactor([...this.#secrets]);
  }

  /** Takes out of text what is secret. */
  redact(text: string): string {
    return this.#redact(text);
  }

  /** Takes out of text what is secret, and what would drive the terminal or the CI system. */
  clean(text: string): string {
    return neutralize(this.#redact(text));
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

  /** What was seen running last of the step that is under way. */
  get activity(): Activity | undefined {
    return this.#activity;
  }

  /** Says that what goes on is the last of it, and goes on showing it. */
  finish(text: string): void {
    const live = this.#live;
    this.#isFinishing = true;
    this.warn(text);
    if (live !== undefined) this.#startLive(live.text, live.since);
  }

  /** Leaves the line to a question, or takes it back. */
  hold(isHeld: boolean): void {
    this.stopLive();
    this.#isHeld = isHeld;
  }

  /** Writes to standard error, whatever the style. */
  warn(text: string): void {
    this.stopLive();
    this.#print(this.#err, text);
  }

  /** Shows an error at the line of its file in a pull request, where GitHub is to or a folder is given. */
  annotate(
    message: string,
    position: FilePosition,
    level: AnnotationLevel = "error",
    folder = this.#style.annotate,
  ): void {
    if (folder === undefined) return;
    this.stopLive();
    // A command by intention: it is put together from clean text, and not cleaned as a whole.
    this.#err.write(`${this.#redact(formatAnnotation(message, position, folder, level))}\n`);
  }

  /**
   * Writes what was meant for the console: cliffy's help, which has its colours already, and
   * whatever a library has to say.
   */
  passOn(stream: "out" | "err", text: string): void {
    this.stopLive();
    const writer = stream === "out" ? this.#out : this.#err;
    // A completion script is for the shell: only help names commands to be typed.
    const isHelp = /^\s*Usage:/.test(
      text.split(COLOR).filter((part) => !COLOR.test(part)).join(""),
    );
    const parts = text.split(COLOR).map((part) => {
      if (!COLOR.test(part)) {
        return this.clean(isHelp ? nameCommands(part, this.#nameCommand) : part);
      }
      return writer.isTTY === true ? part : "";
    });
    writer.write(`${parts.join("")}\n`);
  }

  #print(writer: Writer, text: string): void {
    const clean = this.clean(nameCommands(text, this.#nameCommand));
    const paints = this.#style.color && writer.isTTY === true;
    writer.write(`${paints ? clean.split("\n").map(paint).join("\n") : clean}\n`);
  }

  /** Writes a result for programs. */
  document(value: unknown): void {
    this.stopLive();
    if (!this.#style.json) return;
    // Value by value, as a secret may look like a part of the JSON around it.
    const json = JSON.stringify(value, (_, item) => this.#redactItem(item), 2);
    this.#out.write(`${neutralizeJson(json)}\n`);
  }

  #redactItem(item: unknown): unknown {
    if (typeof item === "string") return this.#redact(item);
    if (typeof item !== "object" || item === null || Array.isArray(item)) return item;
    return Object.fromEntries(
      Object.entries(item).map(([name, value]) => [
        this.#redact(name),
        ADVICE.has(name) && typeof value === "string"
          ? nameCommands(value, this.#nameCommand)
          : value,
      ]),
    );
  }

  /** Shows what is going on. */
  onProgress(event: ProgressEvent): void {
    switch (event.type) {
      case "started": {
        const { migrations: [first = ""], index, total, step } = event;
        const others = event.migrations.length - 1;
        const verb = event.action === "rollback" ? "⏪" : "⏳";
        const steps = step === undefined || step.total === 1
          ? ""
          : ` (step ${step.number} of ${step.total})`;
        this.#place = { before: `${verb} ${index + 1}/${total}`, steps };
        this.#startLive(
          line`${this.#place.before} ${first}${others > 0 ? ` and ${others} more` : ""}` + steps,
        );
        break;
      }
      case "finished":
        this.#activity = undefined;
        this.stopLive();
        if (this.#style.verbose && !this.#err.isTTY) {
          const verb = event.success
            ? { apply: "applied", rollback: "rolled back", seed: "run" }[event.action]
            : "failed";
          this.#print(this.#err, line`${event.migration} ${verb} (${event.executionTimeMs}ms)`);
        }
        break;
      case "waiting":
        this.#startLive(describeWaiting(event));
        break;
      case "running":
        this.#showRunning(event);
        break;
      case "range":
        this.#tellRunning(
          line`${this.#place.before} ${event.migration}${this.#place.steps} - ` +
            formatRange(event),
        );
        break;
      case "retrying":
        if (this.#style.json || this.#style.quiet) break;
        this.warn(formatRetry(event));
        if (this.#err.isTTY) this.#startLive(line`${this.#place.before} ${event.migration}`);
        break;
      case "blocker ended":
        this.warn(`🛑 Ended, as it was in the way: ${formatBlocker(event.session)}`);
        break;
      case "preparing":
        this.#startLive(line`⏳ ${event.what}`);
        break;
      case "notice":
        this.warn(line`⚠️  ${event.message}`);
        break;
      case "phase":
        this.say(PHASES[event.phase]);
        break;
    }
  }

  #startLive(text: string, since = performance.now()): void {
    if (this.#live?.text === text || this.#isHeld) return;
    this.stopLive();
    this.#toldRunning = performance.now();
    if (this.#style.json || this.#style.quiet) return;
    if (!this.#err.isTTY) {
      if (this.#style.verbose) this.#print(this.#err, text);
      return;
    }
    const live = { text, since };
    const draw = () => {
      const age = performance.now() - live.since;
      const suffix = age < 1000 ? "" : ` … ${formatDuration(age)}`;
      this.#err.write(`\r\x1b[2K${this.#fit(live.text)}${suffix}`);
    };
    draw();
    this.#live = Object.assign(live, { draw, timer: setInterval(draw, 500) });
  }

  /** It has to fit on one line of the screen, which is all that a redraw clears. */
  #fit(text: string): string {
    const shown = this.#isFinishing ? `⏹️  finishing ${text}` : text;
    return [...this.clean(shown).replace(/\s+/g, " ")]
      .slice(0, Math.max(20, (this.#err.columns ?? 80) - 15)).join("");
  }

  /** On a terminal in the line that is there; elsewhere now and then in one of its own. */
  #showRunning({ activity, statementMs }: ProgressEvent & { type: "running" }): void {
    this.#activity = activity;
    if (this.#isHeld) return;
    const { before, steps } = this.#place;
    this.#tellRunning(`${before} ${formatActivity(activity, steps)}`, statementMs);
  }

  /** The live line goes on counting where it is not said for how long. */
  #tellRunning(text: string, statementMs?: number): void {
    if (this.#isHeld) return;
    if (this.#live !== undefined) {
      this.#live.text = text;
      if (statementMs !== undefined) this.#live.since = performance.now() - statementMs;
      this.#live.draw();
      return;
    }
    if (this.#style.json || this.#style.quiet) return;
    if (this.#err.isTTY) {
      this.#startLive(text);
    } else if (performance.now() - this.#toldRunning >= RUNNING_EVERY_MS) {
      this.#toldRunning = performance.now();
      const age = statementMs === undefined ? "" : ` … ${formatDuration(statementMs)}`;
      this.#print(this.#err, text + age);
    }
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
function paint(text: string): string {
  const mark = text.trimStart().slice(0, 2);
  const color = { "❌": "red", "💡": "cyan", "⚠️": "yellow" } as const;
  const known = Object.entries(color).find(([sign]) => mark.startsWith(sign));
  return known === undefined ? text : styleText(known[1], text, { validateStream: false });
}

function describeWaiting(event: ProgressEvent & { type: "waiting" }): string {
  const { activity } = event;
  if (event.for === "lock") {
    return line`🔒 Waiting for ${event.holder ?? "another run"} to finish` +
      (activity === null ? "" : `: ${formatActivity(activity)}`);
  }
  if (event.for === "api") return "⏳ Waiting for the API to take up the new schema";
  if (activity === null) return "⏳ Waiting for the migration in flight";
  return `⏳ Still running: ${formatActivity(activity)}`;
}
