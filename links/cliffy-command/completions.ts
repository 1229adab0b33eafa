/**
 * The `completions` command: prints a script that completes commands, options and the values
 * of enumerated types in bash, zsh or fish. All words are in the script, so that the Tab key
 * does not start the program; for other values the shell offers files.
 */
import { Command } from "./command.ts";
import type { Definition } from "./definition.ts";
import { shownCommands, shownOptions } from "./help_text.ts";
import { paint } from "./text.ts";

const SHELLS = {
  bash: { rc: "~/.bashrc", load: (call: string) => `source <(${call})` },
  fish: {
    rc: "~/.config/fish/config.fish",
    load: (call: string) => `source (${call} | psub)`,
  },
  zsh: { rc: "~/.zshrc", load: (call: string) => `source <(${call})` },
};

const SCRIPTS = { bash: bashScript, fish: fishScript, zsh: zshScript };

const faint = (text: string) => paint.dim(paint.italic(text));

/** Prints completion scripts. */
export class CompletionsCommand extends Command {
  constructor() {
    super();
    const { definition } = this;
    const call = () => `${definition.root.path} completions`;
    this.description(() =>
      `Generate shell completions.

To enable shell completions for this program add the following line to your ${
        faint("~/.bashrc")
      } or similar:

    ${faint(`source <(${call()} [shell])`)}

    For more information run ${faint(`${call()} [shell] --help`)}
`
    ).noGlobals().action(() => this.showHelp());
    for (const shell of ["bash", "fish", "zsh"] as const) {
      const { rc, load } = SHELLS[shell];
      this.command(shell).description(() =>
        `Generate shell completions for ${shell}.

To enable ${shell} completions for this program add following line to your ${faint(rc)}:

    ${faint(load(`${call()} ${shell}`))}`
      ).noGlobals()
        .option(
          "-n, --name <command-name>",
          "The name of the main command.",
          shell === "zsh" ? { default: () => definition.root.name } : {},
        )
        .action(({ name = definition.root.name }: { name?: string }) =>
          console.log(SCRIPTS[shell](name, definition.root))
        );
    }
    this.reset();
  }
}

/** One branch of a shell's `case`: what is offered, or where one is, after certain words. */
interface Case {
  readonly when: readonly string[];
  readonly then: string;
}

/** What the scripts know, by the names of the subcommands so far and the word after them. */
interface Cases {
  /** From a place and a subcommand's name to the next place. */
  readonly steps: Case[];
  /** From a place and an option to the option's values. */
  readonly values: Case[];
  /** From a place to all that may follow. */
  readonly words: Case[];
}

function collect(
  command: Definition,
  at = "",
  cases: Cases = { steps: [], values: [], words: [] },
): Cases {
  for (const child of command.commands.values()) {
    if (child.hidden) continue;
    const names = [child.name, ...child.aliases];
    const then = `${at} ${child.name}`.trim();
    cases.steps.push({ when: names.map((name) => `${at}/${name}`), then });
    collect(child, then, cases);
  }
  const options = shownOptions(command);
  for (const { argument, flags } of options) {
    if (!argument || argument.optional) continue;
    const then = command.valuesOf(argument.type).join(" ");
    cases.values.push({ when: flags.map((flag) => `${at}/${flag}`), then });
  }
  const words = [
    ...shownCommands(command).map(({ name }) => name),
    ...command.arguments.flatMap(({ type }) => command.valuesOf(type)),
    ...options.flatMap(({ flags }) => flags),
  ];
  if (command.name === "help" && command.parent) { // A command's name follows.
    words.unshift(...shownCommands(command.parent).map(({ name }) => name));
  }
  cases.words.push({ when: [at], then: [...new Set(words)].join(" ") });
  return cases;
}

function bashScript(name: string, main: Definition): string {
  const { steps, values, words } = collect(main);
  const branches = (cases: Case[], variable: string) =>
    cases.map(({ when, then }) =>
      `    ${when.map((word) => `"${word}"`).join("|")}) ${variable}="${then}" ;;`
    ).join("\n");
  const complete = `_${name.replace(/\W/g, "_")}_complete`;
  return `# bash completion for ${name}
${complete}() {
  local current="\${COMP_WORDS[COMP_CWORD]}" previous="\${COMP_WORDS[COMP_CWORD-1]}"
  local at="" words="" i
  for ((i = 1; i < COMP_CWORD; i++)); do
    case "$at/\${COMP_WORDS[i]}" in
${branches(steps, "at")}
    esac
  done
  case "$at" in
${branches(words, "words")}
  esac
  case "$at/$previous" in
${branches(values, "words")}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -o default -F ${complete} ${name}`;
}

/** zsh takes bash's completions when asked to. */
function zshScript(name: string, main: Definition): string {
  return `#compdef ${name}
autoload -Uz compinit bashcompinit
(( $+functions[compdef] )) || compinit
bashcompinit
${bashScript(name, main)}`;
}

function fishScript(name: string, main: Definition): string {
  const { steps, values, words } = collect(main);
  const branches = (cases: Case[], variable: string) =>
    cases.map(({ when, then }) =>
      `    case ${when.map((word) => `"${word}"`).join(" ")}
      set ${variable} ${variable === "at" ? `"${then}"` : then}`
    ).join("\n");
  const complete = `__${name.replace(/\W/g, "_")}_complete`;
  return `# fish completion for ${name}
function ${complete}
  set -l at ""
  set -l words
  set -l typed (commandline -opc)
  for word in $typed[2..-1]
    switch "$at/$word"
${branches(steps, "at")}
    end
  end
  switch "$at"
${branches(words, "words")}
  end
  switch "$at/$typed[-1]"
${branches(values, "words")}
  end
  if set -q words[1]
    printf "%s\\n" $words
  else
    __fish_complete_path (commandline -ct)
  end
end
complete -c ${name} -f -a "(${complete})"`;
}
