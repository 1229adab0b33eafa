/** The `help` command: `program help command` prints what `program command -h` does. */
import { Command, unknownCommand } from "./command.ts";

/** Prints the help of the program, or of the subcommand that is named. */
export class HelpCommand extends Command {
  constructor() {
    super();
    const { definition } = this;
    this.arguments("[command]")
      .description("Show this help or the help of a sub-command.")
      .noGlobals()
      .action((_options: unknown, name?: string) => {
        const parent = definition.calledFrom ?? definition.root;
        const named = name === undefined ? parent : parent.findOwnCommand(name);
        if (!named || named.hidden) {
          throw unknownCommand(name ?? "", parent, definition.name);
        }
        named.command.showHelp();
        definition.leave();
      });
  }
}
