/** What is written where: results, progress, and a live line on a terminal. @module */

import type { FilePosition } from "../errors.ts";
import type { Activity } from "../database/state.ts";
import type { ProgressEvent } from "../operations/progress.ts";
import { formatActivity, formatBlocker, formatRange, formatRetry } from "./activity.ts";
import { type AnnotationLevel, formatAnnotation } from "./errors.ts";
import { formatDuration } from "../duration.ts";
import { createRedactor } from "../redact.ts";
import { fitExcerpts, type Screen, wrap } from "./columns.ts";
import { LiveLine } from "./live_line.ts";
import { line, neutralize, neutralizeJson } from "./neutral.ts";
import { findStyle, paint } from "./paint.ts";
import { MANY, ProgressBar } from "./progress_bar.ts";
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
  /** Colours: on a terminal, where it is "auto". */
  readonly color: boolean | "auto";
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
  readonly #secrets = new Set<string>();
  #style: ReportStyle;
  #nameCommand: NameCommand = (command) => `supamigrate ${command}`;
  #redact = createRedactor([]);
  readonly #live: LiveLine;
  /** Of a run of many migrations. */
  #bar: ProgressBar | undefined;
  #activity: Activity | undefined;
  /** Which of how many is under way, and which step of it. */
  #place = { sign: "⏳", number: "", steps: "" };
  /** What the live line says, or has said last. */
  #text = "";
  #isFinishing = false;
  #isHeld = false;
  /** When it was last said what runs, where there is no live line. */
  #toldRunning = 0;

  /**
   * @param out Standard output.
   * @param err Standard error.
   * @param style How much to write, and in what form.
   */
  constructor(
    out: Writer,
    err: Writer,
    style: ReportStyle,
  ) {
    this.#out = out;
    this.#err = err;
    this.#style = style;
    this.#live = new LiveLine((text) => err.write(text), () => err.columns ?? 80);
  }

  /** What tables on standard output are for. */
  get screen(): Screen {
    return {
      columns: this.#out.isTTY === true ? this.#out.columns || 80 : undefined,
      clean: (text) => this.clean(text),
    };
  }

  /** Whether many of a kind are put together: for a person at a terminal, unless all are wanted. */
  get isBrief(): boolean {
    return this.#out.isTTY === true && !this.#style.verbose;
  }

  /** Goes on in another style. */
  restyle(style: ReportStyle): void {
    this.#style = style;
  }

  /** From now on hints name commands like this. */
  nameCommands(nameCommand: NameCommand): void {
    this.#nameCommand = nameCommand;
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
    this.#isFinishing = true;
    this.#scroll(text);
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

  /** The same above the live line, which stays. */
  #scroll(text: string): void {
    const { since } = this.#live;
    this.warn(text);
    if (since !== undefined) this.#showLive(this.#text, since);
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
      return this.#paints(writer) ? part : "";
    });
    writer.write(`${parts.join("")}\n`);
  }

  /** A question, clean and as wide as the terminal that it is asked on; the answer follows on its last line. */
  fitQuestion(question: string): string {
    const width = (this.#err.columns || 80) - 1;
    const lines = this.clean(question).trimEnd().split("\n").flatMap((text) => wrap(text, width));
    return `${lines.join("\n")} `;
  }

  #print(writer: Writer, text: string): void {
    const clean = this.clean(nameCommands(text, this.#nameCommand));
    const width = writer.isTTY === true ? writer.columns || 80 : Infinity;
    const paints = this.#paints(writer);
    const lines = fitExcerpts(clean.split("\n"), width).flatMap((text) => {
      const style = paints ? findStyle(text) : undefined;
      const fitted = wrap(text, width);
      return style === undefined ? fitted : fitted.map((part) => paint(part, style));
    });
    writer.write(`${lines.join("\n")}\n`);
  }

  #paints(writer: Writer): boolean {
    const { color } = this.#style;
    return color === "auto" ? writer.isTTY === true : color;
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
      case "started":
        this.#showStarted(event);
        break;
      case "finished":
        this.#showFinished(event);
        break;
      case "waiting":
        this.#startLive(describeWaiting(event));
        break;
      case "running":
        this.#showRunning(event);
        break;
      case "range":
        this.#tellRunning(
          line`${event.migration}${this.#place.steps} - ` + formatRange(event),
        );
        break;
      case "retrying":
        if (this.#style.json || this.#style.quiet) break;
        this.#scroll(formatRetry(event));
        if (this.#err.isTTY) this.#startStep(line`${event.migration}`);
        break;
      case "blocker ended":
        this.#scroll(`🛑 Ended, as it was in the way: ${formatBlocker(event.session)}`);
        break;
      case "preparing":
        this.#startLive(line`⏳ ${event.what}`);
        break;
      case "notice":
        if (this.#style.quiet) break;
        this.#scroll(line`⚠️  ${event.message}`);
        break;
      case "phase":
        this.say(PHASES[event.phase]);
        break;
    }
  }

  #showStarted(event: ProgressEvent & { type: "started" }): void {
    const { migrations: [first = ""], index, total, step } = event;
    const others = event.migrations.length - 1;
    const sign = event.action === "rollback" ? "⏪" : "⏳";
    const steps = step === undefined || step.total === 1
      ? ""
      : ` (step ${step.number} of ${step.total})`;
    if (total <= MANY) {
      this.#bar = undefined;
    } else if (this.#bar?.total !== total || this.#bar.done > index || sign !== this.#place.sign) {
      this.#bar = new ProgressBar(total, performance.now());
    }
    this.#bar?.tell(index, performance.now());
    this.#place = { sign, number: `${index + 1}/${total}`, steps };
    this.#startStep(line`${first}${others > 0 ? ` and ${others} more` : ""}` + steps);
  }

  #showFinished(event: ProgressEvent & { type: "finished" }): void {
    this.#activity = undefined;
    if (this.#bar === undefined) {
      this.stopLive();
    } else {
      // The bar stays for the next one, or for the summary, which takes it away.
      if (event.success) this.#bar.tell(this.#bar.done + 1, performance.now());
      if (this.#live.isShown) this.#showLive(this.#text);
    }
    if (this.#style.verbose && !this.#err.isTTY) {
      const verb = event.success
        ? { apply: "applied", rollback: "rolled back", seed: "run" }[event.action]
        : "failed";
      this.#print(this.#err, line`${event.migration} ${verb} (${event.executionTimeMs}ms)`);
    } else if (!event.success && this.#bar !== undefined && this.#live.isShown) {
      this.#scroll(line`❌ ${event.migration} failed (${event.executionTimeMs}ms)`);
    }
  }

  /** What a step is at, behind where in the run it is. */
  #inPlace(text: string): string {
    const { sign, number } = this.#place;
    return this.#bar !== undefined && this.#err.isTTY
      ? text
      : `${sign} ${number === "" ? "" : `${number} `}${text}`;
  }

  #startStep(text: string): void {
    this.#startLive(this.#inPlace(text));
  }

  #startLive(text: string): void {
    if ((this.#live.isShown && this.#text === text) || this.#isHeld) return;
    this.#toldRunning = performance.now();
    if (this.#style.json || this.#style.quiet) return;
    if (this.#err.isTTY) this.#showLive(text);
    else if (this.#style.verbose) this.#print(this.#err, text);
  }

  #showLive(text: string, since?: number): void {
    this.#text = text;
    // It has to fit on one line of the screen, which is all that a redraw clears.
    const shown = this.clean(text).replace(/\s+/g, " ");
    const { sign } = this.#place;
    const isLong = this.#activity !== undefined;
    this.#live.show((width) => {
      const before = this.#isFinishing ? "⏹️ finishing " : "";
      return this.#bar === undefined
        ? before + shown
        : this.#bar.draw(before + sign, shown, isLong, width, performance.now());
    }, since);
  }

  /** On a terminal in the line that is there; elsewhere now and then in one of its own. */
  #showRunning({ activity, statementMs }: ProgressEvent & { type: "running" }): void {
    this.#activity = activity;
    this.#tellRunning(formatActivity(activity, this.#place.steps), statementMs);
  }

  /** The live line goes on counting where it is not said for how long. */
  #tellRunning(what: string, statementMs?: number): void {
    if (this.#isHeld || this.#style.json || this.#style.quiet) return;
    const text = this.#inPlace(what);
    if (this.#err.isTTY) {
      const since = statementMs === undefined ? this.#live.since : performance.now() - statementMs;
      this.#showLive(text, since);
    } else if (performance.now() - this.#toldRunning >= RUNNING_EVERY_MS) {
      this.#toldRunning = performance.now();
      const age = statementMs === undefined ? "" : ` … ${formatDuration(statementMs)}`;
      this.#print(this.#err, text + age);
    }
  }

  /** Takes the live line away. */
  stopLive(): void {
    this.#live.clear();
  }
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
