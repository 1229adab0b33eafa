/** What a command is made of, how its flags and arguments are written, and what it inherits. */
import process from "node:process";
import type { Command } from "./command.ts";

/** A wrong call by the user: the text says what is wrong, `cmd` is the command concerned. */
export class ValidationError extends Error {
  readonly exitCode: number;
  cmd?: Command;

  constructor(
    message: string,
    { exitCode = 2, cause }: { exitCode?: number; cause?: unknown } = {},
  ) {
    super(message, { cause });
    this.exitCode = exitCode;
  }
}

/** What a value was given for, for the message when it does not fit its type. */
export interface ArgumentValue {
  readonly label: string;
  readonly type: string;
  readonly name: string;
  readonly value: string;
}

function invalid(
  { label, name, type, value }: ArgumentValue,
  expected?: readonly unknown[],
): ValidationError {
  const values = expected?.map((one) => `"${one}"`).join(", ");
  return new ValidationError(
    `${label} "${name}" must be of type "${type}", but got "${value}".` +
      (values === undefined ? "" : ` Expected values: ${values}`),
  );
}

/** A type that allows the given values only. */
export class EnumType<const Value extends string | number | boolean> {
  readonly #values: readonly Value[];

  constructor(values: readonly Value[]) {
    this.#values = values;
  }

  parse(given: ArgumentValue): Value {
    const found = this.#values.find((value) => String(value) === given.value);
    if (found === undefined) throw invalid(given, this.#values);
    return found;
  }

  values(): Value[] {
    return [...this.#values];
  }
}

type Parser = (given: ArgumentValue) => unknown;

/** A type: the values it allows, or what reads one. */
export type AnyType = EnumType<string | number | boolean> | Parser;

function numeric(fits: (number: number) => boolean): Parser {
  return (given) => {
    const number = given.value === "" ? NaN : Number(given.value);
    if (!fits(number)) throw invalid(given);
    return number;
  };
}

const BUILT_IN: Readonly<Record<string, Parser>> = {
  string: ({ value }) => value,
  number: numeric(Number.isFinite),
  integer: numeric(Number.isInteger),
  boolean: (given) => {
    if (given.value === "true" || given.value === "1") return true;
    if (given.value === "false" || given.value === "0") return false;
    throw invalid(given, ["true", "false", "1", "0"]);
  },
};

export interface Argument {
  readonly name: string;
  readonly type: string;
  readonly optional: boolean;
  readonly variadic: boolean;
  readonly description?: string | undefined;
}

export interface OptionOptions {
  /** Whether the option must be given. */
  readonly required?: boolean;
  /** The value when the option is not given, or what returns it. */
  readonly default?: unknown;
  /** Options that must not be given beside this one. */
  readonly conflicts?: string[];
  /** Options that must be given beside this one. */
  readonly depends?: string[];
  /** Leaves the option out of help and completions. */
  readonly hidden?: boolean;
}

export interface Option extends OptionOptions {
  readonly name: string;
  readonly aliases: readonly string[];
  /** As they are typed: `["-v", "--verbose"]`. */
  readonly flags: readonly string[];
  readonly description: string;
  /** The value as it was written: `<path:string>`. */
  readonly definition: string;
  readonly argument: Argument | undefined;
  /** Whether subcommands have the option, too. */
  readonly global: boolean;
  /** `--help` and `--version`: nothing is allowed or required beside them. */
  readonly standalone: boolean;
  /** Whether an optional value has to be given with an equals sign. */
  readonly equalsSign: boolean;
}

export function defaultOf(option: Option): unknown {
  return typeof option.default === "function" ? option.default() : option.default;
}

export interface EnvVar {
  readonly names: readonly string[];
  readonly description: string;
  readonly argument: Argument;
}

/** A handler names its own parameter types; what is passed is what the flags declare. */
// deno-lint-ignore no-explicit-any
export type Action = (this: Command, options: any, ...args: any[]) => unknown;

/** Everything that was said about one command. */
export class Definition {
  name = "COMMAND";
  description: string | (() => string) = "";
  usage?: string;
  version?: string;
  parent?: Definition;
  /** The command whose subcommand this was called as; for a global one, not its parent. */
  calledFrom?: Definition;
  action?: Action;
  hidden = false;
  global = false;
  noGlobals = false;
  throws = false;
  exits = true;
  readonly meta: Record<string, string> = {};
  readonly aliases: string[] = [];
  arguments: readonly Argument[] = [];
  readonly options: Option[] = [];
  readonly envVars: EnvVar[] = [];
  readonly examples: { name: string; text: string }[] = [];
  readonly types: Map<
    string,
    { type: AnyType; global: boolean }
  > = new Map();
  readonly commands: Map<string, Definition> = new Map();
  readonly commandAliases: Map<string, Definition> = new Map();

  constructor(readonly command: Command) {}

  /** The command's name after those of the commands above it. */
  get path(): string {
    return this.parent ? `${this.parent.path} ${this.name}` : this.name;
  }

  get root(): Definition {
    return this.parent?.root ?? this;
  }

  throwsErrors(): boolean {
    return this.throws || (this.parent?.throwsErrors() ?? false);
  }

  /** Ends the program, unless this command or one above it was told not to. */
  leave(): void {
    if (!this.exits) return;
    if (this.parent) this.parent.leave();
    else process.exit(0);
  }

  /** The commands above, nearest first, and whether what they share (help apart) reaches here. */
  *#above(): Generator<[Definition, boolean]> {
    let open = !this.noGlobals;
    for (let up = this.parent; up; up = up.parent) {
      yield [up, open];
      open &&= !up.noGlobals;
    }
  }

  /** The options of this command, the inherited ones first. */
  allOptions(): Option[] {
    const found: Option[] = [];
    const names = new Set(this.options.map((option) => option.name));
    for (const [up, open] of this.#above()) {
      for (const option of up.options) {
        const reaches = option.global && (open || option.name === "help");
        if (!reaches || names.has(option.name)) continue;
        names.add(option.name);
        found.push(option);
      }
    }
    return [...found, ...this.options];
  }

  /** The subcommands, the inherited ones first. */
  allCommands(): Definition[] {
    return [...this.#inheritedCommands(), ...this.commands.values()];
  }

  #inheritedCommands(): Definition[] {
    const found = new Map<string, Definition>();
    for (const [up, open] of this.#above()) {
      for (const [name, command] of up.commands) {
        const reaches = command.global && (open || name === "help");
        const shadowed = command === this || this.findOwnCommand(name) ||
          found.has(name);
        if (reaches && !shadowed) found.set(name, command);
      }
    }
    return [...found.values()];
  }

  findOwnCommand(name: string): Definition | undefined {
    return this.commands.get(name) ?? this.commandAliases.get(name);
  }

  findCommand(name: string): Definition | undefined {
    return this.findOwnCommand(name) ??
      this.#inheritedCommands().find((command) => command === command.parent?.findOwnCommand(name));
  }

  /** The values that a type allows, where it lists them. */
  valuesOf(type: string): readonly unknown[] {
    const own = this.#findType(type);
    return own instanceof EnumType ? own.values() : [];
  }

  parseValue(given: ArgumentValue): unknown {
    const own = this.#findType(given.type);
    const parse = own instanceof EnumType ? own.parse.bind(own) : own ?? BUILT_IN[given.type];
    if (!parse) throw new Error(`Unknown type "${given.type}".`);
    return parse(given);
  }

  #findType(name: string): AnyType | undefined {
    const own = this.types.get(name)?.type;
    if (own) return own;
    for (const [up] of this.#above()) {
      const found = up.types.get(name);
      if (found?.global) return found.type;
    }
    return undefined;
  }
}

const ARGUMENT = /^[<[](\.{3})?([^<>[\]:.]+)(\.{3})?(?::([\w-]+))?[>\]]$/;

/** Reads `<name:type>`, `[name:type]` or `[name...:type]`; undefined for any other word. */
export function parseArgument(
  word: string,
  description?: string,
): Argument | undefined {
  const [, before, name, after, type = "string"] = ARGUMENT.exec(word) ?? [];
  if (name === undefined) return undefined;
  const variadic = (before ?? after) !== undefined;
  return { name, type, optional: word[0] === "[", variadic, description };
}

/** Reads a list of arguments, and refuses what this package does not cover. */
export function parseArguments(
  text: string,
  descriptions: readonly string[] = [],
): Argument[] {
  return text.split(" ").map((word, i) => {
    const argument = parseArgument(word, descriptions[i]);
    if (argument) return argument;
    throw new Error(`Cannot read the argument "${word}" in "${text}"`);
  });
}

/** Splits `-n, --name <value:type>` into the names and the rest. */
export function splitNames(text: string): { names: string[]; rest: string } {
  const names = text.trim().split(/[, =] */);
  const rest: string[] = [];
  while (/^[<[].+[>\]]$/.test(names.at(-1) ?? "")) rest.unshift(names.pop()!);
  return { names, rest: rest.join(" ") };
}
