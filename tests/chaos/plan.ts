/** What a round does: chosen by its seed alone, so that it can be played again. */

import { Random } from "../support/random.ts";
import { FAULTS, type Moment, MOMENTS } from "./faults.ts";
import { LOSSES, type LossName, writeLoss } from "./copies.ts";
import { isOverApi, type Via } from "./ways.ts";

/** What a direct connection cannot meet: a gateway's answers, and what befalls PostgREST. */
const OF_THE_API =
  /^(\d+|HTML with 200|empty answer|JSON of another service|redirect|PostgREST .*|API's pool .*)$/;

/** The faults that can happen on a way. */
export function faultsOf(via: Via): string[] {
  return Object.keys(FAULTS).filter((name) => isOverApi(via) || !OF_THE_API.test(name));
}

/** A migration of a round. */
export interface PlannedFile {
  /** Its name; without `.sql` it is the end of its table's name. */
  readonly name: string;
  /** How long it takes in the middle, in milliseconds. */
  readonly sleepMs: number;
  /** Whether it leaves settings, tables and locks in its session. */
  readonly leaks: boolean;
  /** Whether it fails in the middle until the rig lets it pass. */
  readonly fails: boolean;
  /**
   * Whether it has several steps; `outside`: one of them builds an index concurrently; `batches`: one
   * of them is committed in ranges.
   */
  readonly steps: "one" | "several" | "outside" | "batches";
  /** Whether it deletes rows, which its rollback says nothing of: they are kept, and put back. */
  readonly destroys?: boolean;
  /** What it takes from a table of its own. */
  readonly loses?: LossName;
}

/** When a fault strikes: at a request of the client, or some time after the client's start. */
export type When =
  | { readonly step: string; readonly nth: number; readonly moment: Moment }
  | { readonly afterMs: number };

export interface PlannedFault {
  readonly fault: string;
  readonly when: When;
  readonly seed: number;
}

export interface PlannedClient {
  readonly holder: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly startAfterMs: number;
  readonly clockSkewMs: number;
  readonly leaseMs: number;
  readonly requestTimeoutMs: number;
  readonly giveUpAfterMs: number;
  readonly faults: readonly PlannedFault[];
}

export interface RoundPlan {
  readonly seed: number;
  readonly round: number;
  readonly files: readonly PlannedFile[];
  /** How many of them are applied before, one batch each. */
  readonly applied: number;
  /** Something that a round begins with beside the files. */
  readonly before: "nothing" | "a lock left behind" | "an older schema" | "not installed";
  /** Which way the clients take. */
  readonly via: Via;
  /** The first one is the one that faults are for. */
  readonly clients: readonly PlannedClient[];
}

/** The requests of each command, and which of them change something. Those without a weight are met with
 * on one way alone. */
const COMMANDS: Readonly<
  Record<string, { weight: number; steps: readonly string[]; changes: readonly string[] }>
> = {
  migrate: {
    weight: 46,
    steps: ["state", "acquire", "apply", "release"],
    changes: ["apply", "release"],
  },
  rollback: {
    weight: 14,
    steps: ["state", "acquire", "revert", "release"],
    changes: ["revert", "release"],
  },
  fresh: {
    weight: 8,
    steps: ["state", "acquire", "revert", "apply", "release"],
    changes: ["revert", "apply", "release"],
  },
  "fresh --drop-schema": {
    weight: 5,
    steps: ["state", "survey_drop", "acquire", "drop", "apply", "release"],
    changes: ["drop", "apply", "release"],
  },
  baseline: {
    weight: 5,
    steps: ["state", "acquire", "baseline", "release"],
    changes: ["baseline", "release"],
  },
  repair: {
    weight: 5,
    steps: ["state", "acquire", "repair", "release"],
    changes: ["repair", "release"],
  },
  unlock: { weight: 5, steps: ["state", "unlock"], changes: [] },
  status: { weight: 2, steps: ["state"], changes: [] },
  history: { weight: 2, steps: ["state", "read_log"], changes: [] },
  install: { weight: 4, steps: ["install", "state", "other"], changes: [] },
  uninstall: { weight: 4, steps: ["other"], changes: [] },
  backups: { weight: 0, steps: ["state", "read_copies"], changes: [] },
  "backups drop": {
    weight: 0,
    steps: ["state", "read_copies", "acquire", "forget", "release"],
    changes: ["forget", "release"],
  },
};

/** A place in the course of a command where its process ends, or stands still. */
interface Point {
  readonly fault: string;
  readonly command: string;
  readonly step: string;
  readonly moment: Moment;
}

/** Every await of every command that another process can see: its requests, moment by moment. */
const POINTS: readonly Point[] = [
  "client killed (kill -9)",
  "client stopped past its lease, then continued",
].flatMap((fault) =>
  Object.entries(COMMANDS).filter(([, { weight }]) => weight > 0).flatMap(([command, { steps }]) =>
    steps.flatMap((step) => MOMENTS.map((moment) => ({ fault, command, step, moment })))
  )
);

/** The named points, as they are reported. */
export const POINT_NAMES: readonly string[] = POINTS.map(({ fault, command, step, moment }) =>
  describePoint(fault, command, step, moment)
);

/** How a point is reported. */
export function describePoint(
  fault: string,
  command: string,
  step: string,
  moment: Moment,
): string {
  return `${fault} at ${command}: ${step}, ${moment}`;
}

/** Every so often a round goes to the next named point; the others are random. */
export const POINT_EVERY = 4;

/** Makes the plan of a round. */
export function planRound(seed: number, round: number, via: Via = "api"): RoundPlan {
  const random = new Random(Math.imul(seed, 0x9e3779b1) ^ Math.imul(round + 1, 0x85ebca6b));
  const point = round % POINT_EVERY === 0
    ? new Random(seed).shuffle(POINTS)[(round / POINT_EVERY) % POINTS.length]
    : undefined;
  const command = point?.command ?? pickWeighted(random, COMMANDS);
  const files = Array.from({ length: 1 + random.below(4) }, (_, index): PlannedFile => ({
    name: `00${index + 1}_${random.pick(["venues", "artists", "bookings", "fees"])}.sql`,
    sleepMs: random.pick([0, 0, 0, 40, 250, 700]),
    leaks: random.below(3) === 0,
    fails: false,
    steps: "one",
  }));
  const direct = point === undefined && command === "install" && random.below(2) === 0;
  const applied = direct ? 0 : countApplied(random, command, files.length);
  if (command === "migrate" && random.below(12) === 0) {
    const index = applied + random.below(files.length - applied);
    files[index] = { ...files[index]!, fails: true };
  }

  const before = direct
    ? "not installed"
    : command === "unlock"
    ? "a lock left behind"
    : command === "migrate" && random.below(12) === 0
    ? "an older schema"
    : "nothing";
  const main = planClient(random, via, "main", command, files, applied, direct);
  // Chosen apart, so that the rounds of a seed stay what they were in everything else.
  const apart = new Random(Math.imul(seed, 0x85ebca6b) ^ Math.imul(round + 1, 0x9e3779b1));
  const kinds = !isOverApi(via) ? ["several", "outside"] as const : ["several"] as const;
  for (const [index, file] of files.entries()) {
    const hasSteps = apart.below(3) === 0 && !main.args.includes("all");
    if (hasSteps) files[index] = { ...file, steps: apart.pick(kinds) };
  }
  // Elsewhere something is applied without its statements, or (fresh) nothing is kept.
  if (["migrate", "rollback", "unlock", "status", "history"].includes(command)) {
    const further = new Random(Math.imul(seed, 0xc2b2ae35) ^ Math.imul(round + 1, 0x27d4eb2f));
    for (const [index, file] of files.entries()) {
      if (further.below(3) === 0) files[index] = { ...file, destroys: true };
    }
  }
  if (via === "builds") return planBuilds(apart, seed, round, files);
  if (via === "batches") return planBatches(apart, seed, round, files.slice(0, 2));
  if (via === "copies") return planCopies(apart, seed, round, files);
  if (point !== undefined) {
    const { fault, step, moment } = point;
    const faults = [{ fault, when: { step, nth: 0, moment }, seed: random.below(2 ** 31) }];
    // Somebody waits for the lock, whose clock may be wrong: it has to make no difference.
    const waiting = {
      ...planClient(random, via, "other-1", "migrate", files, applied, false),
      args: ["migrate", "--wait", "6", "--json"],
      startAfterMs: 300 + random.below(600),
      clockSkewMs: random.pick([0, -86_400_000, 86_400_000]),
      faults: [],
    };
    const clients = [{ ...main, faults }];
    if (["migrate", "rollback"].includes(command)) clients.push(waiting);
    return { seed, round, files, applied, before, via, clients };
  }
  const clients = [main];
  const others = ["migrate", "rollback"].includes(command) && before !== "an older schema"
    ? random.pick([0, 0, 0, 0, 1, 1, 2])
    : 0;
  for (let other = 1; other <= others; other++) {
    const its = random.below(8) === 0 ? "unlock" : random.below(4) === 0 ? "rollback" : "migrate";
    clients.push({
      ...planClient(random, via, `other-${other}`, its, files, applied, false),
      startAfterMs: random.below(900),
    });
  }
  // What needs commits is refused where everything is to be one transaction.
  const isOne = clients.some(({ args }) => args.includes("all"));
  const played = isOne ? files.map((file): PlannedFile => ({ ...file, steps: "one" })) : files;
  return { seed, round, files: played, applied, before, via, clients };
}

/** What can befall long work: its client, its server process, its server, its connection. */
const FAULTS_OF_WORK = [
  "client killed (kill -9)",
  "client stopped past its lease, then continued",
  "client interrupted (SIGINT or SIGTERM)",
  "backend terminated (pg_terminate_backend)",
  "statement cancelled (pg_cancel_backend)",
  "run cancelled (supamigrate cancel)",
  "backend killed (kill -9)",
  "PostgreSQL stopped (-m immediate)",
  "request dropped",
  "request forwarded, reply dropped",
];

/** A migrate, or two of them, of which the first meets with a fault at a build. */
function planBuilds(
  random: Random,
  seed: number,
  round: number,
  given: readonly PlannedFile[],
): RoundPlan {
  const files = given.map((file): PlannedFile => ({ ...file, fails: false, steps: "outside" }));
  const main = planClient(random, "builds", "main", "migrate", files, 0, false);
  const name = random.pick(FAULTS_OF_WORK);
  const { group, moments = MOMENTS } = FAULTS[name]! as { group: string; moments?: Moment[] };
  const fault: PlannedFault = {
    fault: name,
    when: {
      step: random.pick(["build", "build", "build", "advance"]),
      nth: random.below(2),
      moment: group === "network"
        ? MOMENTS[0]!
        : moments.includes("while it is worked on") && random.below(3) > 0
        ? "while it is worked on"
        : random.pick(moments),
    },
    seed: random.below(2 ** 31),
  };
  const clients = [{ ...main, args: ["migrate", "--json"], faults: [fault] }];
  if (random.below(3) === 0) {
    clients.push({
      ...planClient(random, "builds", "other-1", "migrate", files, 0, false),
      args: ["migrate", "--wait", "6", "--json"],
      startAfterMs: 200 + random.below(900),
      faults: [],
    });
  }
  return { seed, round, files, applied: 0, before: "nothing", via: "builds", clients };
}

/** How many rows a batch of a round changes, and how many of them in a range. */
export const BATCH_ROWS = 300;
const RANGE_ROWS = 30;

/** A migrate, or two of them, of which the first meets with faults at some ranges. */
function planBatches(
  random: Random,
  seed: number,
  round: number,
  given: readonly PlannedFile[],
): RoundPlan {
  const files = given.map((file): PlannedFile => ({
    ...file,
    fails: false,
    sleepMs: 0,
    steps: "batches",
  }));
  const main = planClient(random, "batches", "main", "migrate", files, 0, false);
  const servers = new Set<number>();
  const faults = Array.from({ length: 1 + random.below(4) }, (_, index): PlannedFault => {
    let name = random.pick(random.below(2) === 0 ? FAULTS_OF_WORK : faultsOf("batches"));
    if (FAULTS[name]!.group === "server") servers.add(index);
    // Servers that come and go do so one at a time.
    if (servers.size > 1) {
      name = random.pick(
        faultsOf("batches").filter((name) => FAULTS[name]!.group === "network"),
      );
    }
    const moments = FAULTS[name]!.group === "network"
      ? MOMENTS.slice(0, 1)
      : (FAULTS[name] as { moments?: readonly Moment[] }).moments ?? MOMENTS;
    const step = random.below(5) === 0 ? "settle" : "apply";
    return {
      fault: name,
      // Two steps come before the first range.
      when: {
        step,
        nth: step === "apply" ? 2 + random.below(BATCH_ROWS / RANGE_ROWS) : random.below(2),
        moment: random.pick(moments),
      },
      seed: random.below(2 ** 31),
    };
  });
  const clients = [{ ...main, args: ["migrate", "--json"], faults }];
  if (random.below(2) === 0) {
    const its = random.below(4) === 0 ? "unlock" : "migrate";
    clients.push({
      ...planClient(random, "batches", "other-1", its, files, 0, false),
      args: its === "unlock" ? ["unlock", "--yes"] : ["migrate", "--wait", "6", "--json"],
      startAfterMs: 200 + random.below(1500),
      faults: [],
    });
  }
  return { seed, round, files, applied: 0, before: "nothing", via: "batches", clients };
}

/** Files that take something each, and commands of which some drop the copies of it. */
function planCopies(
  random: Random,
  seed: number,
  round: number,
  given: readonly PlannedFile[],
): RoundPlan {
  const names = Object.keys(LOSSES) as LossName[];
  const files = given.map((file): PlannedFile => ({
    ...file,
    fails: false,
    destroys: false,
    loses: random.pick(names),
  }));
  const command = random.pick(["migrate", "migrate", "rollback", "rollback", "backups drop"]);
  const applied = command === "migrate"
    ? random.below(files.length)
    : 1 + random.below(files.length);
  const clients = [planClient(random, "copies", "main", command, files, applied, false)];
  const others = random.pick([0, 0, 1, 1, 2]);
  for (let other = 1; other <= others; other++) {
    const its = random.pick(["migrate", "rollback", "backups drop", "backups", "unlock"]);
    clients.push({
      ...planClient(random, "copies", `other-${other}`, its, files, applied, false),
      startAfterMs: random.below(900),
    });
  }
  // What is to be one transaction has one step.
  const isOne = clients.some(({ args }) => args.includes("all"));
  const played = isOne ? files.map((file): PlannedFile => ({ ...file, steps: "one" })) : files;
  return { seed, round, files: played, applied, before: "nothing", via: "copies", clients };
}

function planClient(
  random: Random,
  via: Via,
  holder: string,
  command: string,
  files: readonly PlannedFile[],
  applied: number,
  direct: boolean,
): PlannedClient {
  const json = random.below(3) > 0 ? ["--json"] : [];
  return {
    holder,
    command,
    args: [...planArguments(random, command, files, applied), ...json],
    startAfterMs: 0,
    clockSkewMs: random.below(6) === 0 ? random.pick([-86_400_000, 86_400_000]) : 0,
    leaseMs: random.pick([200, 500, 1000, 2500]),
    requestTimeoutMs: random.pick([500, 1500, 4000]),
    giveUpAfterMs: random.pick([200, 1000, 3000]),
    faults: direct ? planDirectFaults(random) : planFaults(random, via, command, holder),
  };
}

/** How many are applied before: a command needs something to do. */
function countApplied(random: Random, command: string, count: number): number {
  switch (command) {
    case "migrate":
    case "baseline":
      return random.below(count);
    case "rollback":
    case "fresh":
      return 1 + random.below(count);
    default:
      return random.below(count + 1);
  }
}

function planArguments(
  random: Random,
  command: string,
  files: readonly PlannedFile[],
  applied: number,
): string[] {
  const wait = random.pick([[], [], ["--wait", "2"], ["--wait", "6"]]);
  switch (command) {
    case "migrate":
      return [
        "migrate",
        ...random.pick([[], [], ["--transaction", "batch"], ["--transaction", "all"]]),
        ...wait,
      ];
    case "rollback":
      return ["rollback", ...random.pick([[], ["0"], ["--steps", "1"]]), "--yes", ...wait];
    case "fresh":
      return ["fresh", "--yes", ...wait];
    case "fresh --drop-schema":
      return ["fresh", "--drop-schema", "--yes", ...wait];
    case "baseline":
      return ["baseline", files[applied + random.below(files.length - applied)]!.name];
    case "repair":
      return applied > 0 && random.below(2) === 0
        ? ["repair", files[applied - 1]!.name, "--mark", "pending"]
        : ["repair", files.at(-1)!.name, "--mark", "applied"];
    case "backups drop":
      // One that may be there; or all of them.
      return [
        "backups",
        "drop",
        ...random.pick([["--older-than", "0h"], [`${1 + random.below(3)}`]]),
        "--yes",
      ];
    case "unlock":
    case "uninstall":
      return [command, "--yes"];
    default:
      return [command];
  }
}

function planFaults(
  random: Random,
  via: Via,
  command: string,
  holder: string,
): PlannedFault[] {
  const { steps, changes } = COMMANDS[command]!;
  const names = faultsOf(via).filter((name) =>
    holder === "main" || FAULTS[name]!.group !== "server"
  );
  const count = holder === "main" ? 1 + random.below(3) : random.below(2);
  const planned: PlannedFault[] = [];
  for (let index = 0; index < count; index++) {
    let name = random.pick(names);
    // Servers that come and go do so one at a time.
    const serverTwice = FAULTS[name]!.group === "server" &&
      planned.some(({ fault }) => FAULTS[fault]!.group === "server");
    if (serverTwice) name = random.pick(names.filter((name) => FAULTS[name]!.group === "network"));
    planned.push({
      fault: name,
      when: planMoment(random, name, steps, changes),
      seed: random.below(2 ** 31),
    });
  }
  return planned;
}

/** Through a direct connection there are no requests to strike at. */
function planDirectFaults(random: Random): PlannedFault[] {
  const fault = random.pick([
    "client killed (kill -9)",
    "database connection cut before a packet",
    "database connection cut after a packet",
    "PostgreSQL stopped (-m immediate)",
  ]);
  return [{ fault, when: { afterMs: random.below(500) }, seed: random.below(2 ** 31) }];
}

function planMoment(
  random: Random,
  name: string,
  steps: readonly string[],
  changes: readonly string[],
): When {
  const fault = FAULTS[name]!;
  // A command takes about a quarter of a second, most of which is its start.
  if (fault.group === "client" && random.below(4) === 0) return { afterMs: random.below(1200) };
  const step = changes.length > 0 && random.below(5) === 0 ? "settle" : random.pick(
    random.below(2) === 0 && changes.length > 0 ? changes : steps,
  );
  const moments = fault.group === "network" ? MOMENTS.slice(0, 1) : fault.moments ?? MOMENTS;
  const nth = step === "apply" || step === "revert" ? random.pick([0, 0, 1, 2]) : 0;
  return { step, nth, moment: random.pick(moments) };
}

function pickWeighted(
  random: Random,
  choices: Readonly<Record<string, { readonly weight: number }>>,
): string {
  const entries = Object.entries(choices);
  let left = random.below(entries.reduce((sum, [, { weight }]) => sum + weight, 0));
  for (const [name, { weight }] of entries) {
    left -= weight;
    if (left < 0) return name;
  }
  throw new Error("No choice has a weight");
}

/** A migration's file. */
export function toFile(file: PlannedFile): string {
  const { name, sleepMs, leaks, fails, steps, destroys } = file;
  const loss = writeLoss(file);
  const stem = name.replace(".sql", "");
  const witness = (direction: string, part: string) =>
    `insert into _chaos.witness (migration, direction, part) values ('${name}', '${direction}', '${part}');`;
  const sleep = sleepMs > 0 ? [`select pg_sleep(${sleepMs / 1000});`] : [];
  const leak = [
    "set row_security = off;",
    "set work_mem = '3MB';",
    `create temporary table leftover_${stem} (id integer);`,
    "select pg_advisory_lock(20261122);",
    `prepare leftover_${stem} as select 1;`,
  ];
  const commit = steps === "one" ? [] : ["-- supamigrate: commit"];
  return [
    witness("up", "first"),
    "select nextval('_chaos.attempts');",
    ...commit,
    `create table if not exists public.chaos_${stem} (id integer primary key);`,
    ...sleep,
    ...(leaks ? leak : []),
    ...(steps === "outside"
      ? [
        `insert into public.chaos_${stem} select generate_series(1, 50000) on conflict do nothing;`,
        `create index concurrently on public.chaos_${stem} (id);`,
      ]
      : steps === "batches"
      ? [
        `alter table public.chaos_${stem} add column if not exists changed int not null default 0;`,
        `insert into public.chaos_${stem} select generate_series(1, ${BATCH_ROWS}) on conflict do nothing;`,
        `-- supamigrate: batch public.chaos_${stem} id ${RANGE_ROWS}`,
        `update public.chaos_${stem} set changed = changed + 1;`,
      ]
      : commit),
    ...(destroys ? [`delete from _chaos.heirloom where migration = '${name}';`] : []),
    ...loss.up,
    ...(fails ? ["select 1 / divisor from _chaos.switch;"] : []),
    witness("up", "last"),
    "-- ROLLBACK",
    witness("down", "first"),
    ...sleep,
    ...commit,
    ...loss.down,
    `drop table if exists public.chaos_${stem};`,
    ...(leaks ? leak : []),
    witness("down", "last"),
    "",
  ].join("\n");
}
