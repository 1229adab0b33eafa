/** Writes a command's help as cliffy does. */
import {
  type Argument,
  defaultOf,
  type Definition,
  type Option,
  parseArgument,
} from "./definition.ts";
import process from "node:process";
import { inspect as nodeInspect } from "node:util";
import { table, type TableOptions } from "./table.ts";
import { dedent, describe, flag, isColorless, paint, plain } from "./text.ts";

/** How help is printed. */
export interface HelpOptions {
  /** `"auto"`: on a terminal only. `NO_COLOR` always wins. Default: true. */
  colors?: boolean | "auto";
  /** Show whole descriptions rather than first lines. */
  long?: boolean;
  /** The width of the output. Default: the terminal's, or 150. */
  width?: number;
}

const INDENT = 2;
const DASH = paint.red(paint.bold("-"));

/** The help for one command. */
export function helpText(command: Definition, options: HelpOptions): string {
  const { colors = true, long = false, width = terminalWidth() } = options;
  const room = width - INDENT;

  const section = (
    title: string,
    rows: readonly (readonly string[])[],
    layout: Omit<TableOptions, "indent">,
  ) =>
    rows.length === 0 ? "" : `\n${paint.bold(`${title}:`)}\n\n` +
      `${table(rows, { indent: INDENT, ...layout })}\n`;
  /** Rows whose second column, the arguments, is left out when no row has any. */
  const listing = (title: string, rows: string[][], hasArguments: boolean) => {
    const cells = hasArguments ? rows : rows.map((row) => row.toSpliced(1, 1));
    const dash = hasArguments ? 2 : 1;
    return section(title, cells, {
      padding: hasArguments ? [2, 2, 1, 2] : [2, 1, 2],
      maxWidth: room,
      shrink: cells[0]?.map((_, column) => column > dash ? 1 : 0) ?? [],
    });
  };
  const values = (type: string | undefined) => {
    const allowed = type === undefined ? [] : command.valuesOf(type);
    return allowed.length === 0
      ? []
      : [`${paint.bold("Values: ")}${allowed.map(inspect).join(", ")}`];
  };
  const hint = (found: readonly string[]) => found.length > 0 ? `(${found.join(", ")})` : "";
  const optionHints = (option: Option) => {
    const { required, depends = [], conflicts = [] } = option;
    const names = (list: string[]) => paint.italic(list.map(flag).join(", "));
    const found: string[] = [];
    if (required) found.push(paint.yellow("required"));
    if (option.default !== undefined) {
      found.push(paint.bold("Default: ") + inspect(defaultOf(option)));
    }
    if (depends.length > 0) {
      found.push(paint.yellow(paint.bold("Depends: ")) + names(depends));
    }
    if (conflicts.length > 0) {
      found.push(paint.red(paint.bold("Conflicts: ")) + names(conflicts));
    }
    return hint([...found, ...values(option.argument?.type)]);
  };

  const text = header(command) +
    section(
      "Description",
      command.description ? [[dedent(descriptionOf(command))]] : [],
      { padding: [], maxColumnWidth: room },
    ) +
    section(
      "Arguments",
      command.arguments.filter(({ description }) => description).map(
        (argument) => [
          argumentText(argument),
          DASH,
          describe(argument.description ?? "", long),
          hint([
            ...(argument.optional ? [] : [paint.yellow("required")]),
            ...values(argument.type),
          ]),
        ],
      ),
      { padding: [2, 1, 2], maxWidth: room, shrink: [0, 0, 1, 1] },
    ) +
    listing(
      "Options",
      shownOptions(command).map((option) => [
        option.flags.map(paint.brightBlue).join(", "),
        usageText(option.definition),
        DASH,
        describe(option.description, long),
        optionHints(option),
      ]),
      shownOptions(command).some((option) => option.definition !== ""),
    ) +
    listing(
      "Commands",
      shownCommands(command).map((child) => [
        [child.name, ...child.aliases].map(paint.brightBlue).join(", "),
        child.arguments.map(argumentText).join(" "),
        DASH,
        describe(descriptionOf(child), false),
      ]),
      shownCommands(command).some((child) => child.arguments.length > 0),
    ) +
    listing(
      "Environment variables",
      command.envVars.map((variable) => [
        variable.names.map(paint.brightBlue).join(", "),
        argumentText(variable.argument),
        DASH,
        describe(variable.description, long),
        "",
      ]),
      true,
    ) +
    section(
      "Examples",
      command.examples.map(({ name, text }) => [
        paint.dim(paint.bold(name)),
        dedent(text),
      ]),
      { padding: [1], maxWidth: room, shrink: [0, 1] },
    );
  const on = colors === "auto" ? process.stdout.isTTY === true : colors;
  return on && !isColorless() ? text : plain(text);
}

function header(command: Definition): string {
  const required = command.allOptions().filter((option) => option.required && !option.hidden).map((
    { flags, definition },
  ) => `${flags.find((name) => name.startsWith("--")) ?? flags[0]} ${definition}`);
  const usage = command.usage === undefined
    ? [
      ...command.arguments.map((argument) => argumentText(argument)),
      ...required.map((text) => usageText(text)),
    ].join(" ").trim()
    : usageText(command.usage);
  const version = command.root.version;
  const rows = [[
    paint.bold("Usage:"),
    paint.brightMagenta(command.path + (usage && ` ${usage}`)),
  ]];
  if (version) rows.push([paint.bold("Version:"), paint.yellow(version)]);
  const meta = Object.entries(command.meta);
  return `\n${table(rows, { padding: [1] })}\n` +
    (meta.length === 0 ? "" : `\n${
      table(
        meta.map(([name, value]) => [paint.bold(`${name}: `) + value]),
        { padding: [] },
      )
    }\n`);
}

export function descriptionOf({ description }: Definition): string {
  return typeof description === "function" ? description() : description;
}

export function shownOptions(command: Definition): Option[] {
  return command.allOptions().filter((option) => !option.hidden);
}

export function shownCommands(command: Definition): Definition[] {
  return command.allCommands().filter((child) => !child.hidden);
}

function usageText(text: string): string {
  return text.split(/ +/).map((word) => {
    const argument = parseArgument(word);
    return argument ? argumentText(argument) : word;
  }).join(" ");
}

function argumentText(argument: Argument): string {
  const [open, close] = argument.optional ? ["[", "]"] : ["<", ">"];
  const name = argument.name + (argument.variadic ? "..." : "");
  return paint.yellow(open) + paint.brightMagenta(name) + paint.yellow(close);
}

function inspect(value: unknown): string {
  return typeof value === "string"
    ? paint.green(JSON.stringify(value))
    : nodeInspect(value, { depth: 1, colors: true });
}

function terminalWidth(): number {
  return process.stdout.columns || 150; // Where it is a terminal.
}
