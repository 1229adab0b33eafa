/** Commands: the tree they make, and running them. */
import process from "node:process";
import { Builder } from "./builder.ts";
import { type Definition, type Option, splitNames, ValidationError } from "./definition.ts";
import { findOption, type Input, readFlags } from "./flags.ts";
import { type HelpOptions, helpText } from "./help_text.ts";
import { camelCase, colored, didYouMean, paint } from "./text.ts";

/** What was read, once the command's action has ended. */
export interface CommandResult {
  options: Record<string, unknown>;
  args: unknown[];
  literal: string[];
  cmd: Command;
}

/** A command with its options, arguments and subcommands. */
export class Command extends Builder {
  #help: HelpOptions = {};
  #ready = false;
  #rawArgs: string[] = [];
  #literalArgs: string[] = [];

  /** Adds a subcommand, which the methods that follow describe. */
  command(nameAndArguments: string, command: Command | string = ""): this {
    const { names: [name = "", ...aliases], rest } = splitNames(
      nameAndArguments,
    );
    const child = typeof command === "string"
      ? new Command().description(command)
      : command.reset();
    child.definition.name = name;
    child.definition.parent = this.definition;
    if (rest) child.arguments(rest);
    for (const alias of aliases) child.alias(alias);
    this.definition.commands.set(name, child.definition);
    this.at = child.definition;
    return this;
  }

  /** Sets how the program prints help: call it on the main command. */
  help(options: HelpOptions): this {
    this.#help = options;
    return this;
  }

  getName(): string {
    return this.definition.name;
  }

  /** The name after those of the commands above. */
  getPath(): string {
    return this.definition.path;
  }

  /** The command that it is a command of. */
  getParent(): Command | undefined {
    return this.definition.parent?.command;
  }

  getAliases(): string[] {
    return [...this.definition.aliases];
  }

  /** The options, the inherited ones first; hidden ones where that is asked for. */
  getOptions(hidden = false): Option[] {
    return this.definition.allOptions().filter((option) => hidden || !option.hidden);
  }

  /** The subcommands, the inherited ones first; hidden ones where that is asked for. */
  getCommands(hidden = false): Command[] {
    return this.definition.allCommands().filter((one) => hidden || !one.hidden)
      .map(({ command }) => command);
  }

  /** What followed `--`. */
  getLiteralArgs(): string[] {
    return this.#literalArgs;
  }

  getHelp(options: HelpOptions = {}): string {
    const main = this.definition.root.command;
    main.#prepare();
    return helpText(this.definition, { ...main.#help, ...options });
  }

  showHelp(options?: HelpOptions): void {
    console.log(this.getHelp(options));
  }

  /** Reads the arguments and runs the command they name. */
  parse(args: string[] = process.argv.slice(2)): Promise<CommandResult> {
    this.#prepare();
    return this.#run({
      rest: [...args],
      literal: [],
      args: [],
      flags: {},
      env: {},
      given: new Set(),
      defaults: new Set(),
    });
  }

  /** Adds, before its own, the options that every program has. */
  #prepare(): void {
    this.reset();
    if (this.#ready) return;
    this.#ready = true;
    const { options, version } = this.definition;
    const own = options.splice(0);
    const standalone = true;
    this.addOption("-h, --help", "Show this help.", {}, {
      standalone,
      global: true,
    });
    if (version !== undefined) {
      const description = "Show the version number for this program.";
      this.addOption("-V, --version", description, {}, { standalone });
    }
    options.push(...own);
  }

  async #run(input: Input): Promise<CommandResult> {
    let next: Definition | undefined;
    try {
      this.#rawArgs = [...input.rest];
      next = this.#findNext(input);
      if (!next) return await this.#execute(input);
    } catch (error) {
      if (!(error instanceof ValidationError)) throw error;
      error.cmd = this;
      if (this.definition.throwsErrors()) throw error;
      this.showHelp();
      console.error(
        colored(paint.red(`  ${paint.bold("error")}: ${error.message}\n`)),
      );
      process.exit(error.exitCode);
    }
    next.calledFrom = this.definition;
    return await next.command.#run(input);
  }

  /** Reads the global options before a subcommand's name, and the name. */
  #findNext(input: Input): Definition | undefined {
    const { definition } = this;
    const takeName = () => {
      const found = definition.findCommand(input.rest[0] ?? "");
      if (found) input.rest.shift();
      return found;
    };
    const found = takeName();
    if (found || input.rest.length === 0) return found;
    const options = definition.allOptions().filter(({ global }) => global);
    const first = findOption(options, input.rest[0]!.split("=", 1)[0]!);
    if (!first || first.standalone) return undefined;
    readFlags(input, {
      command: definition,
      options,
      args: [],
      stopEarly: true,
    });
    return takeName();
  }

  async #execute(input: Input): Promise<CommandResult> {
    const { definition } = this;
    this.#readEnv(input);
    readFlags(input, {
      command: definition,
      options: definition.allOptions(),
      args: definition.arguments,
      stopEarly: false,
    });
    if (definition.arguments.length === 0) this.#refuseArguments(input.rest);
    this.#literalArgs = input.literal;
    const options = { ...input.env, ...input.flags };
    const { args, literal } = input;
    const result = { options, args, literal, cmd: this };
    const { action, commands } = definition;
    if (input.standalone) {
      if (input.standalone.name === "version") this.#showVersion();
      else this.showHelp({ long: this.#rawArgs.includes("--help") });
      definition.leave();
      return result;
    }
    if (!action && commands.size > 0 && input.given.size === 0) {
      this.showHelp();
      definition.leave();
    }
    await action?.call(this, options, ...args);
    return result;
  }

  #showVersion(): void {
    const { name, version = "", meta } = this.definition;
    if (!this.#rawArgs.includes("--version")) return console.log(version);
    const lines = [[name, version], ...Object.entries(meta)].map(
      ([key, value]) => `${paint.bold(key!)} ${paint.brightBlue(value!)}`,
    );
    console.log(colored(lines.join("\n")));
  }

  #refuseArguments(words: readonly string[]): void {
    const { definition } = this;
    const [first] = words;
    if (first === undefined) return;
    if (definition.allCommands().length === 0) {
      throw new ValidationError(
        `No arguments allowed for command "${definition.path}".`,
      );
    }
    if (definition.findCommand(first)) {
      throw new ValidationError(`Too many arguments: ${words.join(" ")}`);
    }
    throw unknownCommand(first, definition);
  }

  /** Reads the variables that this process may read. */
  #readEnv(input: Input): void {
    const label = "Environment variable";
    for (const { names, argument: { type } } of this.definition.envVars) {
      const key = camelCase(names[0]!.toLowerCase().replaceAll("_", "-"));
      const name = names.find((variable) => mayRead(variable) && process.env[variable]);
      if (name === undefined) continue;
      const value = process.env[name]!;
      input.env[key] = this.definition.parseValue({ label, type, name, value });
    }
  }
}

/** Node asks nobody. */
function mayRead(variable: string): boolean {
  const { Deno } = globalThis as { Deno?: typeof globalThis.Deno };
  return Deno === undefined ||
    Deno.permissions.querySync({ name: "env", variable }).state === "granted";
}

/** The error for a command that does not exist. */
export function unknownCommand(
  name: string,
  definition: Definition,
  excluded?: string,
): ValidationError {
  const names = definition.allCommands().filter((command) =>
    !command.hidden && command.name !== excluded
  ).map((command) => command.name);
  return new ValidationError(
    `Unknown command "${name}".${didYouMean("command", name, names)}`,
  );
}
