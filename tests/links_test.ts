/**
 * Tests `@cliffy/command`, `@std/crypto` and `@std/fs` as far as this project uses them, and
 * through their public names only. The same file passes on the stand-ins under `links/` and
 * on the real packages: that is what says they are equal.
 */
import assert from "node:assert/strict";
import { Command, EnumType, ValidationError } from "@cliffy/command";
import { CompletionsCommand } from "@cliffy/command/completions";
import { HelpCommand } from "@cliffy/command/help";
import { crypto } from "@std/crypto";
import { ensureDir, exists, walk } from "@std/fs";

interface Shared {
  readonly dir?: string;
  readonly embedded?: string | true;
  readonly cache?: string | true;
  readonly json?: boolean | undefined;
  readonly verbose?: boolean | undefined;
  readonly quiet?: boolean | undefined;
  readonly color: boolean;
}

interface MigrateFlags extends Shared {
  readonly to?: string;
  readonly wait?: number;
  readonly transaction: "each" | "batch" | "all";
  readonly dryRun?: boolean | undefined;
}

interface MarkFlags extends Shared {
  readonly as: "applied" | "pending";
}

/** A program with what cli.ts uses; its actions hand their arguments to `called`. */
function program(called: (...args: unknown[]) => void = () => {}) {
  return new Command()
    .name("ship")
    .version("1.2.3")
    .description(`
      Moves a schema forward.

        It plans first, then runs one migration after another with a lock held, so that two machines never do the same work.
    `)
    .usage("<command> [options]")
    .meta("Exit codes", "0 done\n2 wrong call")
    .example("First use", "ship init\nship migrate --to 0002")
    .env("SHIP_URL=<url:string>", "Where the project is.")
    .help({ colors: false, width: 90 })
    .noExit()
    .globalType("transaction", new EnumType(["each", "batch", "all"]))
    .globalType("state", new EnumType(["applied", "pending"]))
    .globalOption("--dir <path:string>", "The folder.\nRelative to here.")
    .globalOption("--embedded [path:string]", "Use a database in a folder.")
    .globalOption("--cache=[path:string]", "Use a cache.")
    .globalOption("--json", "Print JSON.")
    .globalOption("-v, --verbose", "Say more.", { conflicts: ["quiet"] })
    .globalOption("-q, --quiet", "Say less.")
    .globalOption("--no-color", "Use no colours.")
    .action(function () {
      this.showHelp();
    })
    .command("migrate, up", "Apply what is pending.\n\nIn the files' order.")
    .option("--to <name:string>", "Stop after this migration.")
    .option("--wait <seconds:number>", "Wait for the lock.")
    .option("--transaction <mode:transaction>", "What to do at once.", {
      default: "each",
    })
    .option("-n, --dry-run", "Only plan.", { depends: ["to"] })
    .option("--secret", "Not shown.", { hidden: true })
    .action((options: MigrateFlags) => called("migrate", options))
    .command("mark <name:string> [reason:string]", "Write history.")
    .option("--as <state:state>", "The new state.", { required: true })
    .action((options: MarkFlags, name: string, reason?: string) =>
      called("mark", options, name, reason)
    )
    .command("status", "Show what is pending.")
    .action(function (options: Shared) {
      called("status", options, this.getLiteralArgs());
    })
    .command("count")
    .description("Add numbers.")
    .arguments("<first:integer> [more...:number]", ["The first.", "Others."])
    .action((_options: Shared, ...numbers: number[]) => called("count", ...numbers))
    .command("fail", new Command().description("Fails.").hidden())
    .action(() => {
      throw new ValidationError("No good", { exitCode: 3 });
    })
    .command("help", new HelpCommand().global())
    .command("completions", new CompletionsCommand())
    .reset();
}

/** What the program prints. */
async function printed(...args: string[]): Promise<string> {
  const { log } = console;
  const lines: string[] = [];
  console.log = (...line: unknown[]) => void lines.push(line.join(" "));
  try {
    await program().parse(args);
  } finally {
    console.log = log;
  }
  return lines.join("\n");
}

/** What the action is called with. */
async function parsed(...args: string[]): Promise<unknown[]> {
  const calls: unknown[][] = [];
  await program((...call) => void calls.push(call)).parse(args);
  assert.equal(calls.length, 1);
  return calls[0]!;
}

/** Asserts what is refused, with which message and by which command. */
async function refuses(line: string, message: string, path: string) {
  await assert.rejects(
    program().parse(line.split(" ")),
    (error) => {
      assert.ok(error instanceof ValidationError);
      assert.equal(error.message, message);
      assert.equal(error.exitCode, 2);
      assert.equal(error.cmd?.getPath(), path);
      return true;
    },
  );
}

/** Makes the spaces that pad lines visible, since editors like to remove them. */
function visible(text: string): string {
  return text.replace(/ +$/gm, (spaces) => "·".repeat(spaces.length));
}

Deno.test("--help prints the whole help", async () => {
  assert.equal(
    visible(await printed("--help")),
    `
Usage:   ship <command> [options]
Version: 1.2.3···················

Exit codes: 0 done
2 wrong call······

Description:

  Moves a schema forward.······························································
·······················································································
    It plans first, then runs one migration after another with a lock held, so that two
  machines never do the same work.·····················································

Options:

  -h, --help             - Show this help.················································
  -V, --version          - Show the version number for this program.······················
  --dir          <path>  - The folder.····················································
                           Relative to here.··············································
  --embedded     [path]  - Use a database in a folder.····································
  --cache        [path]  - Use a cache.···················································
  --json                 - Print JSON.····················································
  -v, --verbose          - Say more.                                  (Conflicts: --quiet)
  -q, --quiet            - Say less.······················································
  --no-color             - Use no colours.················································

Commands:

  migrate, up                     - Apply what is pending.······················
  mark         <name> [reason]    - Write history.······························
  status                          - Show what is pending.·······················
  count        <first> [more...]  - Add numbers.································
  help         [command]          - Show this help or the help of a sub-command.
  completions                     - Generate shell completions.·················

Environment variables:

  SHIP_URL  <url>  - Where the project is.··

Examples:

  First use ship init·············
            ship migrate --to 0002
`,
  );
});

Deno.test("-h prints the first line of each option's description", async () => {
  const long = visible(await printed("--help"));
  const short = long.replace(/^ +Relative to here\..*\n/m, "");
  assert.equal(visible(await printed("-h")), short);
});

Deno.test("no arguments at all run the main command's action", async () => {
  assert.equal(await printed(), await printed("-h"));
});

Deno.test("--help after a command prints that command's help, with defaults and allowed values", async () => {
  assert.equal(
    visible(await printed("migrate", "--help")),
    `
Usage:   ship migrate
Version: 1.2.3·······

Description:

  Apply what is pending.
························
  In the files' order.··

Options:

  -h, --help                - Show this help.············································
  --dir          <path>     - The folder.················································
                              Relative to here.··········································
  --embedded     [path]     - Use a database in a········································
                              folder.····················································
  --cache        [path]     - Use a cache.···············································
  --json                    - Print JSON.················································
  -v, --verbose             - Say more.             (Conflicts: --quiet)·················
  -q, --quiet               - Say less.··················································
  --no-color                - Use no colours.············································
  --to           <name>     - Stop after this············································
                              migration.·················································
  --wait         <seconds>  - Wait for the lock.·········································
  --transaction  <mode>     - What to do at once.   (Default: "each", Values: "each",····
                                                    "batch", "all")······················
  -n, --dry-run             - Only plan.            (Depends: --to)······················

Commands:

  help  [command]  - Show this help or the help of a sub-command.
`,
  );
  assert.equal(await printed("up", "--help"), await printed("migrate", "--help"));
});

Deno.test("help and a command's name print that command's help, with what it requires", async () => {
  assert.equal(
    visible(await printed("help", "mark")),
    `
Usage:   ship mark <name> [reason] --as <state>
Version: 1.2.3·································

Description:

  Write history.

Options:

  -h, --help              - Show this help.··············································
  --dir          <path>   - The folder.··················································
  --embedded     [path]   - Use a database in a··········································
                            folder.······················································
  --cache        [path]   - Use a cache.·················································
  --json                  - Print JSON.··················································
  -v, --verbose           - Say more.                 (Conflicts: --quiet)···············
  -q, --quiet             - Say less.····················································
  --no-color              - Use no colours.··············································
  --as           <state>  - The new state.            (required, Values: "applied",······
                                                      "pending")·························

Commands:

  help  [command]  - Show this help or the help of a sub-command.
`,
  );
  assert.equal(await printed("mark", "help"), await printed("help", "mark"));
});

Deno.test("described arguments have a part of their own in the help", async () => {
  assert.equal(
    visible(await printed("count", "-h")),
    `
Usage:   ship count <first> [more...]
Version: 1.2.3·······················

Description:

  Add numbers.

Arguments:

  <first>    - The first.  (required)
  [more...]  - Others.···············

Options:

  -h, --help             - Show this help.··································
  --dir          <path>  - The folder.······································
  --embedded     [path]  - Use a database in a folder.······················
  --cache        [path]  - Use a cache.·····································
  --json                 - Print JSON.······································
  -v, --verbose          - Say more.                    (Conflicts: --quiet)
  -q, --quiet            - Say less.········································
  --no-color             - Use no colours.··································

Commands:

  help  [command]  - Show this help or the help of a sub-command.
`,
  );
});

Deno.test("completions without a shell prints how to load them", async () => {
  assert.equal(
    visible(await printed("completions")),
    `
Usage:   ship completions
Version: 1.2.3···········

Description:

  Generate shell completions.·····························································
··························································································
  To enable shell completions for this program add the following line to your ~/.bashrc or
  similar:················································································
··························································································
      source <(ship completions [shell])··················································
··························································································
      For more information run ship completions [shell] --help····························

Options:

  -h, --help  - Show this help.··

Commands:

  help  [command]  - Show this help or the help of a sub-command.
  bash             - Generate shell completions for bash.········
  fish             - Generate shell completions for fish.········
  zsh              - Generate shell completions for zsh.·········
`,
  );
});

Deno.test("help has colours unless they are switched off", () => {
  const help = program().getHelp({ colors: true });
  assert.equal(help.includes("\x1b[1mUsage:\x1b[22m"), !Deno.noColor);
  assert.equal(program().getHelp().includes("\x1b"), false);
});

Deno.test("-V prints the version, --version the name and the meta rows as well", async () => {
  assert.equal(await printed("-V"), "1.2.3");
  assert.equal(
    // deno-lint-ignore no-control-regex
    (await printed("--version")).replace(/\x1b\[\d+m/g, ""),
    "ship 1.2.3\nExit codes 0 done\n2 wrong call",
  );
});

Deno.test("options become camel-cased keys, with values of their types", async () => {
  assert.deepEqual(
    await parsed("up", "--to=a=b", "--wait", "-5", "-nv", "--json"),
    ["migrate", {
      to: "a=b",
      wait: -5,
      dryRun: true,
      verbose: true,
      json: true,
      color: true,
      transaction: "each",
    }],
  );
});

Deno.test("global options stand before the command or after it", async () => {
  const expected = ["status", { dir: "a", json: true, color: false }, []];
  for (
    const line of [
      "--dir a --json --no-color status",
      "--dir=a --json status --no-color",
      "status --no-color --dir a --json",
    ]
  ) assert.deepEqual(await parsed(...line.split(" ")), expected);
});

Deno.test("an optional value is the next word, or true", async () => {
  const embedded = async (...args: string[]) =>
    (await parsed("status", ...args) as [string, Shared])[1].embedded;
  assert.equal(await embedded("--embedded"), true);
  assert.equal(await embedded("--embedded", "folder"), "folder");
  assert.equal(await embedded("--embedded=folder"), "folder");
  assert.equal(await embedded("--embedded", "--json"), true);
});

Deno.test("an optional value that is declared with an equals sign needs one", async () => {
  const cache = async (...args: string[]) => (await parsed(...args) as [string, Shared])[1].cache;
  assert.equal(await cache("--cache", "status"), true);
  assert.equal(await cache("--cache=folder", "status"), "folder");
});

Deno.test("arguments arrive in order, and missing ones are undefined", async () => {
  const options = { as: "applied", color: true };
  assert.deepEqual(
    await parsed("mark", "0001", "because", "--as", "applied"),
    ["mark", options, "0001", "because"],
  );
  assert.deepEqual(
    await parsed("mark", "--as=applied", "0001"),
    ["mark", options, "0001", undefined],
  );
  assert.deepEqual(await parsed("count", "1", "2.5", "-3"), ["count", 1, 2.5, -3]);
});

Deno.test("an unknown option is an argument where one is expected", async () => {
  const [, , name] = await parsed("mark", "--typo", "--as", "applied");
  assert.equal(name, "--typo");
});

Deno.test("what follows -- is left to the action", async () => {
  assert.deepEqual(
    await parsed("status", "--json", "--", "--dir", "x"),
    ["status", { json: true, color: true }, ["--dir", "x"]],
  );
});

Deno.test("an empty value leaves the option out", async () => {
  const [, options] = await parsed("migrate", "--to", "");
  assert.deepEqual(options, { color: true, transaction: "each" });
});

Deno.test("wrong calls are refused with a message and the command", async () => {
  const cases: [line: string, message: string, path: string][] = [
    ["migrat", 'Unknown command "migrat". Did you mean command "migrate"?', "ship"],
    ["status up", 'Unknown command "up". Did you mean command "help"?', "ship status"],
    ["help migrat", 'Unknown command "migrat". Did you mean command "migrate"?', "ship help"],
    [
      "migrate --dri-run",
      'Unknown option "--dri-run". Did you mean option "--dry-run"?',
      "ship migrate",
    ],
    ["migrate --to", 'Missing value for option "--to".', "ship migrate"],
    [
      "migrate --to a --to b",
      'Option "--to" can only occur once, but was found several times.',
      "ship migrate",
    ],
    [
      "migrate --dry-run=yes",
      'Option "--dry-run" doesn\'t take a value, but got "yes".',
      "ship migrate",
    ],
    [
      "migrate --wait soon",
      'Option "--wait" must be of type "number", but got "soon".',
      "ship migrate",
    ],
    [
      "migrate --transaction none",
      'Option "--transaction" must be of type "transaction", but got "none". Expected values: "each", "batch", "all"',
      "ship migrate",
    ],
    ["migrate --dry-run", 'Option "--dry-run" depends on option "--to".', "ship migrate"],
    ["migrate -v -q", 'Option "--verbose" conflicts with option "--quiet".', "ship migrate"],
    [
      "migrate --json --help",
      'Option "--help" cannot be combined with other options.',
      "ship migrate",
    ],
    ["mark a", 'Missing required option "--as".', "ship mark"],
    ["mark --as applied", "Missing argument(s): name", "ship mark"],
    ["mark a b c d --as applied", "Too many arguments: c d", "ship mark"],
    ["count 1.5", 'Argument "first" must be of type "integer", but got "1.5".', "ship count"],
    ["--json nothing", 'Unknown command "nothing". Did you mean command "count"?', "ship"],
    ["status -x", 'Unknown option "-x". Did you mean option "-h"?', "ship status"],
  ];
  for (const [line, message, path] of cases) {
    await refuses(line, message, path);
  }
});

Deno.test("a validation error of an action keeps its exit code and names its command", async () => {
  await assert.rejects(program().parse(["fail"]), (error) => {
    assert.ok(error instanceof ValidationError);
    assert.deepEqual([error.exitCode, error.cmd?.getName()], [3, "fail"]);
    return true;
  });
});

Deno.test("the script for bash completes commands and options", async () => {
  const script = await printed("completions", "bash");
  const complete = async (...words: string[]) => {
    const { stdout } = await new Deno.Command("bash", {
      args: [
        "-c",
        `${script}
        COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
        function=$(complete -p ship); function=\${function##*-F }
        \${function%% *}
        printf '%s\n' "\${COMPREPLY[@]}"`,
        "bash",
        ...words,
      ],
    }).output();
    return new TextDecoder().decode(stdout).trim().split("\n");
  };
  assert.deepEqual(await complete("ship", "mi"), ["migrate"]);
  assert.deepEqual(await complete("ship", "migrate", "--d"), ["--dir", "--dry-run"]);
});

for (const shell of ["bash", "fish", "zsh"]) {
  Deno.test(`the script for ${shell} knows every command`, async () => {
    const script = await printed("completions", shell);
    for (const name of ["migrate", "mark", "status", "count", "help"]) {
      assert.match(script, new RegExp(`\\b${name}\\b`));
    }
    assert.doesNotMatch(script, /\bfail\b|--secret/);
  });
}

Deno.test("crypto digests bytes with SHA-256", () => {
  const bytes = new TextEncoder().encode("abc");
  const digest = crypto.subtle.digestSync("SHA-256", bytes);
  assert.equal(
    new Uint8Array(digest).toHex(),
    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
  );
});

Deno.test("ensureDir makes folders, exists finds them, and walk visits them", async () => {
  const root = await Deno.makeTempDir();
  try {
    await ensureDir(`${root}/a/b`);
    await ensureDir(`${root}/a/b`);
    await Deno.writeTextFile(`${root}/a/one.sql`, "");
    await Deno.writeTextFile(`${root}/a/b/two.sql`, "");
    await Deno.writeTextFile(`${root}/a/b/note.md`, "");
    await Deno.symlink("one.sql", `${root}/a/link.sql`);

    assert.equal(await exists(`${root}/a`, { isDirectory: true }), true);
    assert.equal(await exists(`${root}/a`, { isFile: true }), false);
    assert.equal(await exists(`${root}/a/one.sql`, { isFile: true }), true);
    assert.equal(await exists(`${root}/none`), false);
    await assert.rejects(ensureDir(`${root}/a/one.sql`), {
      message: "Failed to ensure directory exists: expected 'dir', got 'file'",
    });

    const found = async (options?: Parameters<typeof walk>[1]) =>
      (await Array.fromAsync(walk(root, options)))
        .map(({ path }) => path.slice(root.length)).sort();
    assert.deepEqual(await found(), [
      "",
      "/a",
      "/a/b",
      "/a/b/note.md",
      "/a/b/two.sql",
      "/a/link.sql",
      "/a/one.sql",
    ]);
    assert.deepEqual(
      await found({ exts: ["sql"], includeDirs: false, includeSymlinks: false }),
      ["/a/b/two.sql", "/a/one.sql"],
    );
    assert.deepEqual(await found({ maxDepth: 1 }), ["", "/a"]);
    assert.deepEqual(await found({ includeFiles: false, includeSymlinks: false }), [
      "",
      "/a",
      "/a/b",
    ]);
    await assert.rejects(Array.fromAsync(walk(`${root}/none`)), { code: "ENOENT" });
  } finally {
    await Deno.remove(root, { recursive: true });
  }
});
