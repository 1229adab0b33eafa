/** Plays a round: clients under fire, then what was late, then recovery; and looks after each. */

import { setTimeout as delay } from "node:timers/promises";
import type { Migrator } from "../../mod.ts";
import { Random } from "../support/random.ts";
import { until } from "../support/until.ts";
import { type Claim, readClaim } from "./claims.ts";
import { type ClientEnd, type ClientProcess, HANG, startClient } from "./client.ts";
import { checkCopies, checkDropped, makeHeirs } from "./copies.ts";
import { FAULTS, type Incident, type Moment, type Scene } from "./faults.ts";
import type { Exchange, Handler, HttpProxy } from "./http_proxy.ts";
import { DB_POOL, type Lane } from "./lane.ts";
import {
  describePoint,
  type PlannedClient,
  type PlannedFault,
  type RoundPlan,
  toFile,
} from "./plan.ts";
import { isOverApi } from "./ways.ts";
import type { WireDoor } from "./wire_door.ts";
import invariantsSql from "./invariants.sql" with { type: "text" };

export interface Violation {
  readonly invariant: string;
  readonly violation: string;
  /** When it was seen. */
  readonly when: string;
}

export interface RoundResult {
  readonly violations: readonly Violation[];
  /** The faults that happened, each once. */
  readonly fired: ReadonlySet<string>;
  /** At which points of which commands clients were killed, stopped or interrupted. */
  readonly points: ReadonlySet<string>;
  /** How the clients ended, with what they printed. */
  readonly ends: readonly { readonly client: PlannedClient; readonly end: ClientEnd }[];
}

/** How long recovery may take beyond the lease: the pace at which the lock is looked at. */
const RECOVERY_SLACK_S = 5;

export async function playRound(lane: Lane, plan: RoundPlan): Promise<RoundResult> {
  const round = new Round(lane, plan);
  await round.play();
  return round;
}

class Round implements RoundResult {
  readonly violations: Violation[] = [];
  readonly fired = new Set<string>();
  readonly points = new Set<string>();
  readonly ends: { client: PlannedClient; end: ClientEnd }[] = [];
  readonly #lane: Lane;
  readonly #plan: RoundPlan;
  readonly #late: (() => Promise<unknown>)[] = [];
  readonly #beside = new Set<Promise<unknown>>();
  #claims: Claim[] = [];
  /** The last entry of the log from before the round. */
  #since: unknown;
  /** Whether others than the one client have changed anything. */
  #othersAtWork: boolean;

  constructor(lane: Lane, plan: RoundPlan) {
    this.#lane = lane;
    this.#plan = plan;
    this.#othersAtWork = plan.clients.length > 1;
  }

  get #destroying(): string[] {
    return this.#plan.files.filter(({ destroys }) => destroys).map(({ name }) => name);
  }

  async play(): Promise<void> {
    const { command } = this.#plan.clients[0]!;
    const strangers = this.#lane.elsewhere.requests;
    await this.#prepare();
    const before = await this.#describeHistory();
    await Promise.all(this.#plan.clients.map((client) => this.#run(client)));
    await this.#settleDown();

    if (command === "install" || command === "uninstall") await this.#checkInstallation(command);
    if (command !== "uninstall") {
      await this.#check("when the clients had ended");
      await this.#checkGoal(before);
      if (command !== "repair" && command !== "baseline") await this.#recoverAndRollBack();
    }
    for (const { client, end } of this.ends) this.#checkEnd(client, end);
    if (this.#lane.elsewhere.requests > strangers) {
      this.#report("no secret anywhere", "a redirect was followed to another host", "at the end");
    }
  }

  async #prepare(): Promise<void> {
    const { files, applied, before } = this.#plan;
    this.#since = await this.#lane.reset(
      Object.fromEntries(files.map((file) => [file.name, toFile(file)])),
    );
    await this.#lane.sql(
      `insert into _chaos.heirloom
       select name, number, md5(concat(name, number))
         from jsonb_array_elements_text($1::jsonb->'destroying') name, generate_series(1, 20) number`,
      [{ destroying: this.#destroying }],
    );
    await makeHeirs(this.#lane, files);
    {
      await using migrator = await this.#migrator("prepare");
      for (const { name } of files.slice(0, applied)) await migrator.migrate({ to: name });
    }
    if (files.some(({ fails }) => fails)) {
      await this.#lane.sql("update _chaos.switch set divisor = 0");
    }
    const { command } = this.#plan.clients[0]!;
    this.#lane.needsInstallation = before !== "nothing" ||
      ["install", "uninstall"].includes(command);
    switch (before) {
      case "an older schema":
        await this.#lane.sql(
          "update supamigrate.installation set schema_version = schema_version - 1",
        );
        break;
      case "not installed":
        this.#since = 0;
        await this.#lane.sql(
          "drop schema supamigrate cascade; drop function public.exec_sql(text, jsonb); " +
            "truncate _chaos.lock_change",
        );
        break;
      case "a lock left behind":
        await this.#lane.sql(`
          select supamigrate.acquire(jsonb_build_object(
            'token', gen_random_uuid(), 'holder', 'a dead run', 'lease_ms', 1500,
            'generation', generation, 'sequence', sequence))
            from supamigrate.migration_lock`);
    }
  }

  /** A run of the same build without faults. */
  async #migrator(holder: string): Promise<Migrator> {
    const { createMigrator } = await import(`file://${this.#lane.build}/mod.ts`);
    const { plain, plainWire, serviceKey, server } = this.#lane;
    return createMigrator({
      supabaseUrl: plain.url,
      serviceKey,
      ...(!isOverApi(this.#plan.via)
        ? { via: "direct", databaseUrl: plainWire.addressOf(server.url("postgres", "chaos")) }
        : {}),
      migrations: `${this.#lane.folder}/migrations`,
      holder,
      lockTimeoutMs: 2000,
    });
  }

  // The clients

  async #run(client: PlannedClient): Promise<void> {
    await delay(client.startAfterMs);
    const left = new Set(client.faults);
    const seen = new Map<string, number>();
    let cutOffUntil = 0;

    const strike = async (planned: PlannedFault, point: string) => {
      left.delete(planned);
      const incident = FAULTS[planned.fault] as Incident;
      await incident.happen(this.#scene(client, process, planned, point, cutOff));
    };
    const cutOff = (milliseconds: number) => void (cutOffUntil = performance.now() + milliseconds);

    const handler = async (exchange: Exchange): Promise<void> => {
      const { step } = exchange.call;
      if (performance.now() < cutOffUntil) return exchange.drop();
      const nth = seen.get(step) ?? 0;
      seen.set(step, nth + 1);
      const due = [...left].filter(({ when }) =>
        "step" in when && when.step === step && when.nth === nth
      );
      const at = async (moment: Moment) => {
        for (const planned of due) {
          if (!("step" in planned.when) || planned.when.moment !== moment) continue;
          if (FAULTS[planned.fault]!.group === "network") continue;
          await strike(planned, describePoint(planned.fault, client.command, step, moment));
        }
      };
      await at("before it is sent on");
      const network = due.find(({ fault }) => FAULTS[fault]!.group === "network");
      if (network !== undefined) {
        left.delete(network);
        const fault = FAULTS[network.fault]!;
        const scene = this.#scene(client, process, network, "", cutOff);
        if (fault.group === "network") return await fault.handle(scene, exchange);
      }
      const answer = exchange.forward();
      await at("while it is worked on");
      const reply = await answer;
      await at("after it is answered");
      await exchange.sendInTwo(reply, () => at("in the middle of its answer"));
      await at("after its answer has arrived");
    };

    const way = await this.#openWay(handler);
    const { door } = way;
    const process: ClientProcess = startClient({
      build: this.#lane.build,
      folder: this.#lane.folder,
      args: client.args,
      clockSkewMs: client.clockSkewMs,
      environment: {
        ...way.environment,
        MIGRATION_LOCK_TIMEOUT: `${client.leaseMs}`,
        MIGRATION_REQUEST_TIMEOUT: `${client.requestTimeoutMs}`,
        MIGRATION_GIVE_UP_AFTER: `${client.giveUpAfterMs}`,
        // The holder, which tells the clients apart in the log.
        GITHUB_ACTIONS: "true",
        GITHUB_ACTOR: client.holder,
        GITHUB_RUN_ID: "1",
        GITHUB_REPOSITORY: "chaos",
      },
    });
    for (const planned of client.faults) {
      if (!("afterMs" in planned.when)) continue;
      const { afterMs } = planned.when;
      this.#goBeside(
        delay(afterMs).then(() =>
          process.isRunning()
            ? strike(planned, `${planned.fault} at ${client.command}: at any time`)
            : undefined
        ),
      );
    }
    const end = await process.ended;
    this.ends.push({ client, end });
    if (client.clockSkewMs !== 0 && seen.size > 0) this.fired.add("client's clock a day off");
    if (this.#plan.clients.length > 1) this.fired.add("several clients at once");
    await door.idle();
    await this.#settleBeside();
    await door[Symbol.asyncDispose]();
  }

  /** A door of a client's own, and how it is told of it. */
  async #openWay(handler: Handler): Promise<
    { door: HttpProxy | WireDoor; environment: Record<string, string> }
  > {
    const { databaseUrl, serviceKey } = this.#lane;
    if (!isOverApi(this.#plan.via)) {
      const door = await this.#lane.openWireDoor(handler);
      return {
        door,
        environment: { MIGRATION_VIA: "direct", DATABASE_URL: door.addressOf(databaseUrl) },
      };
    }
    const door = await this.#lane.openDoor(handler);
    return {
      door,
      environment: {
        SUPABASE_URL: door.url,
        SUPABASE_SERVICE_KEY: serviceKey,
        ...(this.#plan.before === "not installed" ? { DATABASE_URL: databaseUrl } : {}),
      },
    };
  }

  #scene(
    client: PlannedClient,
    process: ClientProcess,
    planned: PlannedFault,
    point: string,
    cutOff: (milliseconds: number) => void,
  ): Scene {
    return {
      lane: this.#lane,
      client: process,
      leaseMs: client.leaseMs,
      random: new Random(planned.seed),
      beside: (work) => this.#goBeside(work),
      later: (work) => void this.#late.push(work),
      cutOff,
      migrateMeanwhile: async () => {
        this.#othersAtWork = true;
        await using migrator = await this.#migrator("meanwhile");
        // It may find the lock held, or the server down: it is there to get in the way.
        await migrator.migrate().catch(() => {});
      },
      cancelRun: async () => {
        await using migrator = await this.#migrator("canceller");
        return (await migrator.cancel()).cancelled;
      },
      fired: () => {
        this.fired.add(planned.fault);
        if (FAULTS[planned.fault]!.group === "client") this.points.add(point);
      },
    };
  }

  #goBeside(work: Promise<unknown>): void {
    const tracked = work.catch(() => {}).finally(() => this.#beside.delete(tracked));
    this.#beside.add(tracked);
  }

  async #settleBeside(): Promise<void> {
    while (this.#beside.size > 0) await Promise.all(this.#beside);
  }

  /** Until every client, fault and request has come to its end. */
  async #settleDown(): Promise<void> {
    await this.#settleBeside();
    await this.#lane.recover();
    this.#claims = this.ends.flatMap(({ client, end }) => {
      try {
        const claim = readClaim(client, end);
        return [{ ...claim, holder: `${claim.holder}, run 1 of chaos` }];
      } catch (error) {
        this.#report("the exit code tells the truth", `no JSON: ${error}`, "when it had ended");
        return [];
      }
    });
  }

  // What happens then

  async #recoverAndRollBack(): Promise<void> {
    const { files } = this.#plan;
    await this.#deliver(Math.floor(this.#late.length / 2));
    await this.#check("when late requests had arrived");

    await this.#lane.sql("update _chaos.switch set divisor = 1");
    await using migrator = await this.#migrator("recovery");
    const [started] = await this.#lane.sql("select clock_timestamp() as now");
    const recovered = await migrator.migrate({ waitMs: 20_000 }).catch((error: Error) => error);
    if (recovered instanceof Error || !recovered.success) {
      const reason = recovered instanceof Error
        ? `${recovered}`
        : JSON.stringify(recovered.results.filter(({ success }) => !success));
      this.#report("recovery within one lease", reason, "during recovery");
      return;
    }
    await this.#checkTakeover(started?.now);
    await this.#endLease(migrator);
    await this.#deliver(Infinity);
    await this.#check("after recovery");
    const status = await migrator.status();
    // What was undone in part is for a rollback to go on with, and status says so.
    if (!status.upToDate && status.undoneInPart.length === 0) {
      const names = status.pending.map(({ name }) => name);
      this.#report("the exit code tells the truth", `pending: ${names}`, "after recovery");
    }

    const undone = await migrator.rollback({ target: "0", waitMs: 20_000 });
    if (undone.migrationsRolledBack !== files.length) {
      this.#report("rollback restores the catalogue", JSON.stringify(undone), "at the end");
    }
    await this.#check("after everything was rolled back");
    const left = await this.#lane.sql(
      "select relname from pg_class where relnamespace = 'public'::regnamespace and relkind = 'r'",
    );
    for (const { relname } of left) {
      this.#report("rollback restores the catalogue", `${relname} is left`, "at the end");
    }
    await this.#checkPool();
    await this.#checkDoor();
    await this.#checkStored();
  }

  /** Where nothing was pending nobody waited for a dead run's lease, in which more may come. */
  async #endLease(migrator: Migrator): Promise<void> {
    await until("the lock to be free", async () => {
      const [lock] = await this.#lane.sql(`
        select is_locked, expires_at > clock_timestamp() as lasts from supamigrate.migration_lock`);
      if (lock?.is_locked !== true) return true;
      if (lock.lasts === true) await delay(50);
      else await migrator.migrate();
      return false;
    });
  }

  async #deliver(most: number): Promise<void> {
    await Promise.all(this.#late.splice(0, most).map((work) => work()));
    await this.#lane.recover();
  }

  // What has to hold

  #report(invariant: string, violation: string, when: string): void {
    this.violations.push({ invariant, violation, when });
  }

  async #check(when: string): Promise<void> {
    const facts = { clients: this.#claims, destroying: this.#destroying, since: this.#since };
    for (const row of await this.#lane.sql(invariantsSql, [facts])) {
      this.#report(String(row.invariant), String(row.violation), when);
    }
    if (this.#plan.via === "batches") await this.#checkBatches(when);
    if (this.#plan.via === "copies") {
      const found = await checkCopies(this.#lane, this.#plan.files, this.#since);
      for (const { client, end } of this.ends) {
        const holder = `${client.holder}, run 1 of chaos`;
        found.push(...await checkDropped(this.#lane, { client, end }, holder, this.#since));
      }
      for (const { invariant, violation } of found) this.#report(invariant, violation, when);
    }
    const [lease] = await this.#lane.sql(`
      select exists (
        select from _chaos.lock_change
         where old_generation = new_generation and old_expires_at < seen_at) as expired`);
    if (lease?.expired === true) this.fired.add("lease expired in mid-migration");
  }

  /**
   * Each row is changed as often as the history says: once up to the key that the batch has come to, and
   * never behind it. Of what was changed the copies have what was there before, each row once.
   */
  async #checkBatches(when: string): Promise<void> {
    for (const { name } of this.#plan.files) {
      const table = `public.chaos_${name.replace(".sql", "")}`;
      const [known] = await this.#lane.sql(
        `
        select exists (select from pg_attribute
                        where attrelid = to_regclass($2) and attname = 'changed') as is_there,
               applied_checksum is not null or jsonb_array_length(progress->'digests') > 2 as is_done,
               coalesce((progress->'batch'->>'after')::int, 0) as after
          from (select $1::text as migration_name) wanted
          left join supamigrate.migration_history using (migration_name)`,
        [name, table],
      );
      if (known?.is_there !== true) continue;
      const [wrong] = await this.#lane.sql(
        `select count(*)::int as rows, min(id) as id from ${table}
          where changed <> case when $1 or id <= $2 then 1 else 0 end`,
        [known.is_done === true, known.after],
      );
      if (wrong!.rows !== 0) {
        const { rows, id } = wrong!;
        const violation = `${rows} rows of ${table} (first: ${id}) are not as the history says: ` +
          JSON.stringify(known);
        this.#report("each range exactly once", violation, when);
      }
      const copies = await this.#lane.sql(
        `select copy_name from supamigrate.safety_copy
          where migration_name = $1 and is_open and kind = 'values'`,
        [name],
      );
      const [kept] = copies.length === 0 ? [{ rows: 0, ids: 0 }] : await this.#lane.sql(
        `select count(*)::int as rows, count(distinct id)::int as ids from (${
          copies.map(({ copy_name }) => `select id from supamigrate_backup."${copy_name}"`)
            .join(" union all ")
        }) kept`,
      );
      const [{ rows } = {}] = await this.#lane.sql(
        `select count(*)::int as rows from ${table} where changed > 0`,
      );
      if (kept!.rows !== kept!.ids || kept!.rows !== rows || copies.length > 1) {
        const violation = `of ${rows} changed rows of ${table} ${kept!.rows} were kept, ` +
          `${kept!.ids} keys in ${copies.length} copies`;
        this.#report("each range exactly once", violation, when);
      }
    }
  }

  /** What a client that says nothing but "done" has promised, if nobody else was at work. */
  async #checkGoal(before: string): Promise<void> {
    const [{ client, end } = {}] = this.ends;
    if (client === undefined || this.#othersAtWork || end === undefined) return;
    const { files, applied } = this.#plan;
    const names = files.map(({ name }) => name);
    const applying = await this.#readApplied();
    const expect = (holds: boolean, goal: string) => {
      if (!holds) {
        const violation = `exit code ${end.code}, and not ${goal}: ${[...applying]} applied`;
        this.#report("the exit code tells the truth", violation, "when the client had ended");
      }
    };
    const { command, args } = client;
    if (end.code === 0) {
      switch (command) {
        case "migrate":
        case "fresh":
        case "fresh --drop-schema":
          expect(names.every((name) => applying.has(name)), "everything applied");
          break;
        case "rollback": {
          const kept = args[1] === "0" ? 0 : applied - 1;
          expect(applying.size === kept, `${kept} left`);
          break;
        }
        case "baseline":
          expect(applying.has(args[1]!), `${args[1]} on record`);
          break;
        case "repair":
          expect(applying.has(args[1]!) === (args[3] === "applied"), `${args[1]} ${args[3]}`);
          break;
        case "backups drop": {
          const [row] = await this.#lane.sql(
            "select count(*)::int as left from supamigrate.safety_copy",
          );
          expect(args.includes("0h") ? row?.left === 0 : true, "all copies dropped");
          break;
        }
        case "unlock": {
          const [lock] = await this.#lane.sql("select is_locked from supamigrate.migration_lock");
          expect(lock?.is_locked === false, "unlocked");
        }
      }
    }
    const unknown = end.code === null ||
      /UnknownOutcome|It is unknown/.test(end.stdout + end.stderr);
    const changesAtOnce = ["baseline", "repair"].includes(command);
    if (changesAtOnce && end.code !== 0 && !unknown && end.code !== 130) {
      expect(before === await this.#describeHistory(), "the history as it was");
    }
  }

  async #readApplied(): Promise<Set<string>> {
    const rows = await this.#lane.sql(`
      select migration_name from supamigrate.migration_history where applied_checksum is not null`);
    return new Set(rows.map(({ migration_name }) => String(migration_name)));
  }

  async #describeHistory(): Promise<string> {
    if (this.#plan.before === "not installed") return "";
    const rows = await this.#lane.sql(
      "select * from supamigrate.migration_history order by migration_name",
    );
    return JSON.stringify(rows);
  }

  /** All of it is there, or nothing; and what was said is so. */
  async #checkInstallation(command: string): Promise<void> {
    const [row] = await this.#lane.sql(`
      select to_regnamespace('supamigrate') is not null as schema,
             to_regclass('supamigrate.migration_history') is not null as tables,
             to_regprocedure('supamigrate.perform(jsonb)') is not null as functions,
             to_regprocedure('public.exec_sql(text, jsonb)') is not null as door`);
    const there = new Set(Object.values(row!));
    const when = "when the client had ended";
    if (there.size > 1) {
      this.#report("nothing half-applied", `${command} left ${JSON.stringify(row)}`, when);
    }
    const code = this.ends[0]!.end.code;
    const wanted = command === "install";
    if (code === 0 && row!.door !== wanted) {
      this.#report("the exit code tells the truth", `${command} said that it was done`, when);
    }
    if (row!.door !== true && wanted) {
      const again = startClient({
        build: this.#lane.build,
        folder: this.#lane.folder,
        args: ["install"],
        clockSkewMs: 0,
        environment: {
          SUPABASE_URL: this.#lane.plain.url,
          SUPABASE_SERVICE_KEY: this.#lane.serviceKey,
          DATABASE_URL: this.#lane.databaseUrl,
        },
      });
      const { code, stderr } = await again.ended;
      if (code !== 0) this.#report("recovery within one lease", stderr, "installing again");
    }
    if (wanted) {
      await this.#lane.watch();
      await this.#lane.untilNoticed();
    }
  }

  /** Who takes a dead run's lock over waits for its lease, and hardly longer. */
  async #checkTakeover(started: unknown): Promise<void> {
    const rows = await this.#lane.sql(
      `select seen_at - greatest(old_expires_at, $1) as late
         from _chaos.lock_change
        where was_locked and is_locked and old_token <> new_token and seen_at > $1
          and seen_at > greatest(old_expires_at, $1) + interval '${RECOVERY_SLACK_S} seconds'`,
      [started],
    );
    for (const { late } of rows) {
      this.#report("recovery within one lease", `the lock was taken ${late} late`, "recovery");
    }
  }

  /** Asks with the public key, through each connection of the pool, what others left behind. */
  async #checkPool(): Promise<void> {
    await Promise.all(Array.from({ length: 2 * DB_POOL }, async () => {
      const leftovers = await this.#lane.readLeftovers();
      if (leftovers !== null) this.#report("the API's pool is clean", leftovers, "at the end");
    }));
  }

  async #checkDoor(): Promise<void> {
    const body = { sql_query: "select 1 as result", params: {} };
    const response = await this.#lane.fetchAs(this.#lane.anonKey, "public.exec_sql", body);
    await response.body?.cancel();
    if (response.ok) this.#report("never open", "anon may run SQL", "at the end");
  }

  async #checkStored(): Promise<void> {
    for (const table of ["migration_history", "migration_lock", "migration_log", "operation"]) {
      const [row] = await this.#lane.sql(
        `select string_agg(t::text, ' ') as text from supamigrate.${table} t`,
      );
      this.#checkSecrets(String(row?.text), `stored in ${table}`);
    }
  }

  #checkSecrets(text: string, where: string): void {
    for (const secret of this.#lane.secrets) {
      if (text.includes(secret) || text.includes(btoa(secret).slice(0, -4))) {
        this.#report("no secret anywhere", `${secret.slice(0, 6)}… is ${where}`, "at the end");
      }
    }
  }

  #checkEnd(client: PlannedClient, end: ClientEnd): void {
    const when = "when the client had ended";
    const printed = `${end.stdout}\n${end.stderr}`;
    this.#checkSecrets(printed, `printed by ${client.command}`);
    const known = [0, 1, 2, 3, 4, 130, null].includes(end.code);
    if (!known || /which is a defect|"Defect"|Uncaught|panicked/.test(printed)) {
      this.#report("the exit code tells the truth", `a defect shows: ${printed}`, when);
    }
    if (end.signal === HANG) {
      this.#report("the exit code tells the truth", `${client.command} did not end`, when);
    }
    // Of several copies that are asked for by number one may be gone.
    const isGone = client.command === "backups drop" && /There is no safety copy/.test(printed);
    if (end.code === 2 && !isGone) {
      this.#report("the exit code tells the truth", `it blames its user: ${printed}`, when);
    }
  }
}
