/** The methods that say what a command is. */
import {
  type Action,
  type AnyType,
  Definition,
  type Option,
  type OptionOptions,
  parseArgument,
  parseArguments,
  splitNames,
} from "./definition.ts";
import type { Command } from "./command.ts";
import { findOption } from "./flags.ts";

/**
 * Describes a command. As in cliffy the methods speak of the subcommand that was added last,
 * if there is one, until `reset()`.
 */
export abstract class Builder {
  /** For this package's modules; the real package has no such member. */
  readonly definition: Definition;
  /** What the methods describe. */
  protected at: Definition;

  constructor() {
    // Only `Command` extends this class.
    this.definition = new Definition(this as unknown as Command);
    this.at = this.definition;
  }

  name(name: string): this {
    this.at.name = name;
    return this;
  }

  version(version: string): this {
    this.at.version = version;
    return this;
  }

  description(text: string | (() => string)): this {
    this.at.description = text;
    return this;
  }

  usage(text: string): this {
    this.at.usage = text;
    return this;
  }

  meta(name: string, value: string): this {
    this.at.meta[name] = value;
    return this;
  }

  example(name: string, text: string): this {
    this.at.examples.push({ name, text });
    return this;
  }

  alias(name: string): this {
    this.at.aliases.push(name);
    this.at.parent?.commandAliases.set(name, this.at);
    return this;
  }

  arguments(text: string, descriptions?: string[]): this {
    this.at.arguments = parseArguments(text, descriptions);
    return this;
  }

  option(flags: string, description: string, options?: OptionOptions): this {
    return this.addOption(flags, description, options);
  }

  globalOption(
    flags: string,
    description: string,
    options?: OptionOptions,
  ): this {
    return this.addOption(flags, description, options, { global: true });
  }

  protected addOption(
    flags: string,
    description: string,
    options: OptionOptions = {},
    { global = false, standalone = false }: Partial<Option> = {},
  ): this {
    const { names, rest } = splitNames(flags);
    const bare = names.map((name) => name.replace(/^--?/, ""));
    const name = bare.find((_, i) => names[i]!.startsWith("--")) ?? bare[0]!;
    const [argument, ...more] = rest ? parseArguments(rest) : [];
    if (more.length > 0 || argument?.variadic) {
      throw new Error(`Cannot read more than one value in "${flags}"`);
    }
    const taken = bare.find((name) => findOption(this.at.options, name));
    if (taken !== undefined) {
      throw new Error(`Option with name "${taken}" already exists.`);
    }
    this.at.options.push({
      ...options,
      name,
      aliases: bare.filter((other) => other !== name),
      flags: names,
      description,
      definition: rest,
      argument,
      global,
      standalone,
      equalsSign: flags.includes("="),
    });
    return this;
  }

  env(text: string, description: string): this {
    const { names, rest } = splitNames(text);
    const argument = parseArgument(rest || "<value:boolean>");
    if (!argument || argument.optional || argument.variadic) {
      throw new Error(`Cannot read the environment variable "${text}"`);
    }
    this.at.envVars.push({ names, description, argument });
    return this;
  }

  type(name: string, type: AnyType): this {
    this.at.types.set(name, { type, global: false });
    return this;
  }

  globalType(name: string, type: AnyType): this {
    this.at.types.set(name, { type, global: true });
    return this;
  }

  action(action: Action): this {
    this.at.action = action;
    return this;
  }

  /** Leaves the command out of help and completions. */
  hidden(): this {
    this.at.hidden = true;
    return this;
  }

  /** Makes the command a subcommand of its siblings, too. */
  global(): this {
    this.at.global = true;
    return this;
  }

  /** Keeps options and commands of the commands above away, `help` excepted. */
  noGlobals(): this {
    this.at.noGlobals = true;
    return this;
  }

  /** Throws validation errors, rather than to print help and the error and to exit. */
  throwErrors(): this {
    this.at.throws = true;
    return this;
  }

  /** Throws validation errors, and returns after help and version rather than to exit. */
  noExit(): this {
    this.at.exits = false;
    return this.throwErrors();
  }

  /** Lets the methods describe this command again, rather than the last subcommand. */
  reset(): this {
    this.at = this.definition;
    return this;
  }
}
