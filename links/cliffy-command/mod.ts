/**
 * Stands in for `jsr:@cliffy/command` on machines that reach npm but not JSR; deno.json's
 * `links` puts it in that package's place. Same names, same help, same messages; none of its
 * code. It reads command lines with `node:util`'s `parseArgs`, since cliffy's messages and
 * order of checks are more easily kept on its tokens than on a parser that has its own.
 *
 * Covered: names, version, description, usage, meta, examples, aliases; options and global
 * options with no value, one value, or one that may be left out (`required`, `default`,
 * `conflicts`, `depends`, `hidden`); arguments, the last of them variadic; the types string,
 * number, integer, boolean, `EnumType` and functions; `env`; subcommands of any depth; `throwErrors`,
 * `noExit`; help with its layout and colours; the `help` and `completions` commands.
 *
 * Not covered, and so not there: inference of handlers' types from flags (they name their
 * own), values that are lists, several values for an option, `collect`, value handlers,
 * other types, groups, global variables, default and lazily loaded commands, and characters
 * that are two columns wide in help.
 *
 * @module
 */
export { Command, type CommandResult } from "./command.ts";
export {
  type Action,
  type Argument,
  type ArgumentValue,
  EnumType,
  type OptionOptions,
  ValidationError,
} from "./definition.ts";
export type { HelpOptions } from "./help_text.ts";
