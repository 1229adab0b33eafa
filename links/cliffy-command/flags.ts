/**
 * Reads a command line by a command's options and arguments. `parseArgs` of `node:util` cuts
 * it into flags, values and words, in order; the meaning and the messages are cliffy's.
 */
import { parseArgs, type ParseArgsConfig } from "node:util";
import {
  type Argument,
  defaultOf,
  type Definition,
  type Option,
  ValidationError,
} from "./definition.ts";
import { camelCase, didYouMean, flag } from "./text.ts";

/** What has been read so far, handed down from a command to its subcommand. */
export interface Input {
  /** What is still to be read; in the end, the words nobody expected. */
  rest: string[];
  /** What follows `--`. */
  literal: string[];
  args: unknown[];
  readonly flags: Record<string, unknown>;
  readonly env: Record<string, unknown>;
  /** The names of the options that were given. */
  readonly given: Set<string>;
  /** The names of the options that have their default value. */
  readonly defaults: Set<string>;
  standalone?: Option;
}

interface Reading {
  readonly command: Definition;
  readonly options: readonly Option[];
  readonly args: readonly Argument[];
  /** Whether to leave the rest unread from the first word or unknown option on. */
  readonly stopEarly: boolean;
}

/** Finds an option by a name or a flag. */
export function findOption(
  options: readonly Option[],
  name: string,
): Option | undefined {
  const bare = name.replace(/^-+/, "");
  return options.find((option) => option.name === bare || option.aliases.includes(bare));
}

/** Reads what it can of `input.rest` into the other fields, then checks it. */
export function readFlags(input: Input, reading: Reading): void {
  for (const { depends = [], conflicts = [] } of reading.options) {
    refuseUnknown("required", depends, reading.options);
    refuseUnknown("conflicting", conflicts, reading.options);
  }
  const seen = readTokens(input, reading);
  setDefaults(input, reading.options);
  if (input.standalone) {
    const others = [...seen].filter((option) => option !== input.standalone);
    if (others.some((option) => !input.defaults.has(option.name))) {
      throw new ValidationError(
        `Option "${flag(input.standalone.name)}" cannot be combined with other options.`,
      );
    }
  } else {
    checkOptions(input, seen, reading.options);
  }
  if (reading.args.length > 0) checkArguments(input, reading.args, seen);
}

function refuseUnknown(
  role: string,
  names: readonly string[],
  options: readonly Option[],
): void {
  const unknown = names.find((name) => !findOption(options, name));
  if (unknown === undefined) return;
  throw new Error(unknownOption(`${role} option`, unknown, options));
}

function unknownOption(
  what: string,
  name: string,
  options: readonly Option[],
): string {
  const known = options.flatMap((option) => [option.name, ...option.aliases]);
  return `Unknown ${what} "${flag(name)}".` +
    didYouMean("option", flag(name), known.map(flag));
}

function tokenize(args: string[], options: readonly Option[]) {
  const config: NonNullable<ParseArgsConfig["options"]> = {};
  for (const { name, aliases, argument } of options) {
    // An optional value is taken below, so that a flag is never mistaken for it.
    const type = argument && !argument.optional ? "string" : "boolean";
    for (const key of [name, ...aliases]) {
      config[key] = key.length === 1 ? { type, short: key } : { type };
    }
  }
  return parseArgs({
    args,
    options: config,
    strict: false,
    allowPositionals: true,
    tokens: true,
  }).tokens;
}

function readTokens(input: Input, reading: Reading): Set<Option> {
  const { command, options, args, stopEarly } = reading;
  const seen = new Set<Option>();
  const words = input.rest;
  const tokens = tokenize(words, options);
  input.rest = [];
  for (let i = 0; i < tokens.length; i++) {
    const token = tokens[i]!;
    if (token.kind === "option-terminator") {
      input.literal = words.slice(token.index + 1);
      break;
    }
    const option = token.kind === "option" ? findOption(options, token.name) : undefined;
    if (token.kind === "option" && option) {
      const next = tokens[i + 1];
      const follows = next?.kind === "positional" && next.index === token.index + 1;
      if (readOption(input, seen, reading, option, token, follows ? next.value : undefined)) i++;
      continue;
    }
    if (stopEarly) {
      const unread = words.slice(token.index);
      const end = unread.indexOf("--");
      input.rest = end < 0 ? unread : unread.slice(0, end);
      if (end >= 0) input.literal = unread.slice(end + 1);
      break;
    }
    const word = words[token.index]!;
    // As in cliffy, an unknown flag may be an argument: `-5` is one, and so is `--typo`.
    if (takeArgument(input, args, word, command)) {
      while (tokens[i + 1]?.index === token.index) i++;
    } else if (token.kind === "positional") {
      input.rest.push(word);
    } else {
      throw new ValidationError(unknownOption("option", token.rawName, options));
    }
  }
  return seen;
}

/** Reads one option, and tells whether the word after it was its optional value. */
function readOption(
  input: Input,
  seen: Set<Option>,
  { command, options }: Reading,
  option: Option,
  token: { readonly rawName: string; readonly value?: string | undefined },
  following: string | undefined,
): boolean {
  input.given.add(option.name);
  if (option.standalone) input.standalone = option;
  const { argument } = option;
  const negated = token.rawName.startsWith("--no-");
  const key = camelCase(negated ? option.name.replace(/^no-/, "") : option.name);
  if (input.flags[key] !== undefined && !input.defaults.has(option.name)) {
    const name = token.rawName.replace(/^--no-/, "--");
    throw new ValidationError(
      `Option "${name}" can only occur once, but was found several times.`,
    );
  }
  if (!argument && token.value !== undefined) {
    throw new ValidationError(
      `Option "${flag(option.name)}" doesn't take a value, but got "${token.value}".`,
    );
  }

  let { value } = token;
  let tookNext = false;
  if (argument?.optional) {
    if (value === undefined && !option.equalsSign) value = following;
    // As in cliffy, a word that is also an option's name is not a value.
    if (value !== undefined && findOption(options, value)) value = undefined;
    tookNext = value !== undefined && token.value === undefined;
  }
  // As in cliffy, an empty value leaves the option out.
  if (value === "" && (!option.required || argument?.optional)) return tookNext;

  if (!argument) {
    input.flags[key] = !negated;
  } else if (value !== undefined) {
    const { type } = argument;
    const name = `--${option.name}`;
    input.flags[key] = command.parseValue({ label: "Option", type, name, value });
  } else if (argument.optional) {
    input.flags[key] = defaultOf(option) ?? true;
  } else {
    throw new ValidationError(`Missing value for option "${flag(option.name)}".`);
  }
  input.defaults.delete(key);
  seen.add(option);
  return tookNext;
}

function takeArgument(
  input: Input,
  args: readonly Argument[],
  value: string,
  command: Definition,
): boolean {
  const last = args.at(-1);
  const argument = args[input.args.length] ??
    (last?.variadic ? last : undefined);
  if (!argument) return false;
  const { name, type, optional, variadic } = argument;
  if (optional && value === "") {
    if (!variadic) input.args.push(undefined);
    return true;
  }
  input.args.push(command.parseValue({ label: "Argument", type, name, value }));
  return true;
}

function setDefaults(input: Input, options: readonly Option[]): void {
  for (const option of options) {
    let key = option.name;
    let value = defaultOf(option);
    if (key.startsWith("no-")) {
      key = key.slice(3);
      if (findOption(options, key)) continue;
      value ??= true;
    }
    key = camelCase(key);
    const known = input.env[key] !== undefined ||
      input.flags[key] !== undefined;
    if (known || value === undefined) continue;
    input.flags[key] = value;
    input.defaults.add(option.name);
  }
}

function checkOptions(
  input: Input,
  seen: ReadonlySet<Option>,
  options: readonly Option[],
): void {
  const inEnv = (name: string) => input.env[camelCase(name)] !== undefined;
  for (const { name, conflicts = [], depends = [] } of seen) {
    for (const other of conflicts) {
      const { name: known } = findOption(options, other)!;
      if (!input.given.has(known) && !inEnv(other)) continue;
      throw new ValidationError(
        `Option "${flag(name)}" conflicts with option "${flag(other)}".`,
      );
    }
    for (const other of depends) {
      if (input.flags[camelCase(other)] !== undefined || inEnv(other)) continue;
      throw new ValidationError(
        `Option "${flag(name)}" depends on option "${flag(other)}".`,
      );
    }
  }
  for (const { name, required, conflicts = [] } of options) {
    if (!required || camelCase(name) in input.flags || inEnv(name)) continue;
    const excused = conflicts.some((other) => input.flags[camelCase(other)]) ||
      [...seen].some((option) => option.conflicts?.includes(name));
    if (excused) continue;
    throw new ValidationError(`Missing required option "${flag(name)}".`);
  }
}

function checkArguments(
  input: Input,
  args: readonly Argument[],
  seen: ReadonlySet<Option>,
): void {
  const missing = args.filter((argument, i) => !argument.optional && input.args[i] === undefined)
    .map(({ name }) => name);
  if (input.args.length === 0) {
    const excused = [...seen].some((option) => option.standalone);
    if (missing.length === 0 || excused) return;
    throw new ValidationError(`Missing argument(s): ${missing.join(", ")}`);
  }
  if (missing.length > 0) {
    throw new ValidationError(`Missing argument: ${missing[0]}`);
  }
  if (input.rest.length > 0) {
    throw new ValidationError(`Too many arguments: ${input.rest.join(" ")}`);
  }
}
