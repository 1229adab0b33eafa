/**
 * What runs in an edge function: the same operations as everywhere, on migrations that were prepared
 * when the function was made. An entry point of its own, bundled with nothing around it: no file
 * system, no SQL parser, no other database.
 *
 * @module
 */

import { createRpcClient, openApiChannel } from "../database/api.ts";
import { ABILITIES } from "../database/channel.ts";
import { parseTarget, type Target } from "../database/target.ts";
import {
  ConfigurationError,
  InterruptedError,
  LockHeldError,
  LockLostError,
  MigrationFileError,
  SupamigrateError,
  UnknownOutcomeError,
  UnreachableError,
} from "../errors.ts";
import type { OperationContext } from "../operations/context.ts";
import { SecretHider } from "../operations/hide_secrets.ts";
import { migrate, type MigrateOptions, type MigrateResult } from "../operations/migrate.ts";
import { type PreparedMigrations, restore } from "../operations/prepared.ts";
import type { ProgressEvent } from "../operations/progress.ts";
import { rollback, type RollbackRunResult } from "../operations/rollback.ts";
import { readStatus } from "../operations/status.ts";
import { leaveOutStatements } from "../output/documents.ts";
import { toJsonError } from "../output/errors.ts";
import { findAllowedKey, type ReadVariable } from "./keys.ts";
import { type EdgeCommand, parseCommand } from "./request.ts";
import { nameFields } from "./words.ts";

/** What the platform gives to a function. */
export interface EdgePlatform {
  /** Reads the environment. */
  readonly read: ReadVariable;
  /** Keeps the function alive until that is done. */
  readonly waitUntil: (work: Promise<unknown>) => void;
  /** Writes a line to the function's log. */
  readonly log: (line: string) => void;
}

/** How much one request may do. */
interface Limits {
  /** When it is answered, whatever is still running, in milliseconds. */
  readonly replyAfterMs: number;
  /** When no other migration is begun, in milliseconds. */
  readonly stopAfterMs: number;
  /** How many migrations are run at most. */
  readonly share: number;
}

/**
 * Makes what answers requests: GET is `status`, POST `migrate` or `rollback`.
 *
 * @param prepared The migrations.
 * @param platform What the platform gives.
 * @returns The handler, for `Deno.serve`.
 */
export function createHandler(
  prepared: PreparedMigrations,
  platform: EdgePlatform,
): (request: Request) => Promise<Response> {
  return async (request) => {
    try {
      const key = await findAllowedKey(request.headers, platform.read);
      if (key === undefined) return refuseCaller();
      switch (request.method) {
        case "GET": {
          const work = openWork(prepared, platform.read, key);
          return reply(200, await work.hiding(readStatus(work.context)));
        }
        case "POST": {
          const text = await request.text();
          let command: EdgeCommand;
          try {
            command = parseCommand(text);
          } catch (error) {
            return reply(400, describe(error));
          }
          return await run(openWork(prepared, platform.read, key), command, platform);
        }
        default:
          return refuseMethod(request.method);
      }
    } catch (error) {
      return replyError(error);
    }
  };
}

/** What one request works with. */
interface Work {
  readonly context: OperationContext;
  readonly limits: Limits;
  /** Asks the run to stop between two steps. */
  readonly stop: () => void;
  /** Keeps what looks like a key out of a result. */
  readonly hiding: <Result>(work: Promise<Result>) => Promise<Result>;
}

function openWork(prepared: PreparedMigrations, read: ReadVariable, serviceKey: string): Work {
  const target = findTarget(read("SUPABASE_URL") ?? "");
  const limits = {
    replyAfterMs: readNumber(read, "MIGRATION_REPLY_AFTER", 60_000),
    stopAfterMs: readNumber(read, "MIGRATION_STOP_AFTER", 110_000),
    share: readNumber(read, "MIGRATION_SHARE", 100),
  };
  const { loaded, split } = restore(prepared);
  const hider = new SecretHider();
  hider.learn(loaded.secrets);
  const stopping = new AbortController();
  let finished = 0;
  const onProgress = (event: ProgressEvent) => {
    if (event.type === "finished" && ++finished >= limits.share) stopping.abort();
  };
  const timeoutMs = readNumber(read, "MIGRATION_REQUEST_TIMEOUT", 130_000);
  let channel: ReturnType<OperationContext["connect"]> | undefined;
  const connect = async () =>
    openApiChannel({
      client: await createRpcClient(target.url, serviceKey),
      target,
      timeoutMs,
      secrets: [serviceKey],
    });
  const context: OperationContext = {
    connect: () => channel ??= connect(),
    can: ABILITIES.api,
    target,
    load: () => Promise.resolve(loaded),
    split,
    folder: null,
    tenure: {
      holder: `edge function ${read("SB_EXECUTION_ID") ?? ""}`.trim(),
      processId: `migration-${Date.now()}`,
      // A run that its worker's end has cut off is not waited for much longer than it could last.
      leaseMs: readNumber(read, "MIGRATION_LOCK_TIMEOUT", 180_000),
      toolVersion: prepared.version,
    },
    batchSize: readNumber(read, "MIGRATION_BATCH_SIZE", 50),
    giveUpAfterMs: readNumber(read, "MIGRATION_GIVE_UP_AFTER", 60_000),
    onProgress,
    hide: (value) => hider.hideIn(value),
    signal: stopping.signal,
  };
  return {
    context,
    limits,
    stop: () => stopping.abort(),
    hiding: (work) =>
      work.then((result) => hider.hideIn(result), (error) => {
        throw hider.hideInError(error);
      }),
  };
}

/** The platform sets the URL itself: between its containers it is one of `http:`. */
function findTarget(url: string): Target {
  if (!url.startsWith("http://")) return parseTarget(url);
  const { host, origin } = new URL(url);
  return { kind: "local", name: host, url: origin };
}

function readNumber(read: ReadVariable, name: string, otherwise: number): number {
  const value = read(name) ?? "";
  if (value === "") return otherwise;
  if (/^[1-9]\d{0,8}$/.test(value)) return Number(value);
  throw new ConfigurationError(`${name} has to be a whole number from 1 on, not "${value}"`, {
    hint: "It is one of the function's secrets.",
  });
}

/** Runs a command, and answers when it is done or when it is time to. */
async function run(work: Work, command: EdgeCommand, platform: EdgePlatform): Promise<Response> {
  const { limits, stop } = work;
  const stopTimer = setTimeout(stop, limits.stopAfterMs);
  const running = perform(work, command).catch(replyError)
    .finally(() => clearTimeout(stopTimer));
  const { promise: isLate, resolve } = Promise.withResolvers<undefined>();
  const replyTimer = setTimeout(resolve, limits.replyAfterMs, undefined);
  const response = await Promise.race([running, isLate]);
  clearTimeout(replyTimer);
  if (response !== undefined) return response;

  platform.waitUntil(running.then(async (late) => {
    platform.log(`${command.command} ended with ${late.status}: ${await late.text()}`);
  }));
  return reply(202, {
    success: false,
    running: true,
    continue: command.command === "migrate" ? toBody(command) : null,
    message: "The run goes on. GET says how far it is" +
      (command.command === "migrate" ? "; the next POST continues it" : ""),
  });
}

async function perform(work: Work, command: EdgeCommand): Promise<Response> {
  const { context, hiding } = work;
  let result;
  try {
    result = command.command === "migrate"
      ? await hiding(migrate(context, withoutQuestions(command.options)))
      : await hiding(rollback(context, command.options));
  } catch (error) {
    if (!(error instanceof InterruptedError)) throw error;
    return reply(202, {
      ...describe(error),
      running: false,
      continue: toBody(command),
      message: "The time of this request was over before the run began. The next POST continues",
    });
  }
  const document = leaveOutStatements<MigrateResult | RollbackRunResult>(result, command.options);
  if (result.success) return reply(200, document);
  if (!result.interrupted) return reply(422, document);
  const done = result.results.filter(({ success }) => success).length;
  return reply(202, {
    ...document,
    running: false,
    continue: toBody(command, done),
    message: `The share of this request is done: ${done} of ${result.planned.length} migrations. ` +
      "The next POST continues",
  });
}

/** Where the command line would ask, nobody can be asked: whoever calls has to have said yes. */
function withoutQuestions(
  { yes, ...options }: Extract<EdgeCommand, { command: "migrate" }>["options"],
): MigrateOptions {
  if (yes) return options;
  return {
    ...options,
    confirmConcerns: ([concern]) => {
      const { about, file, line, says } = concern!;
      throw new MigrationFileError(`The migration ${says}`, { file, line }, {
        hint: `${
          about === "applied elsewhere"
            ? "Record it from the command line: supamigrate adopt"
            : about === "unnumbered"
            ? "Give the file a number"
            : "Take it out of the file"
        }; or send "yes": true if it is to be run all the same.`,
      });
    },
  };
}

/** The body of the request that continues. */
function toBody({ command, options }: EdgeCommand, done = 0): Record<string, unknown> {
  if (command === "migrate" || options.steps === undefined) return { command, ...options };
  return { command, ...options, steps: options.steps - done };
}

function reply(status: number, document: unknown): Response {
  return Response.json(document, { status, headers: { "cache-control": "no-store" } });
}

function replyError(error: unknown): Response {
  return reply(toStatus(error), describe(error));
}

/** An error as `--json` has it, with a hint for who sends requests. */
function describe(error: unknown): Record<string, unknown> {
  const { error: described, ...document } = toJsonError(error);
  const { hint, ...others } = described as { readonly hint?: string };
  return {
    ...document,
    error: { ...others, ...(hint === undefined ? {} : { hint: nameFields(hint) }) },
  };
}

function toStatus(error: unknown): number {
  if (error instanceof LockHeldError || error instanceof LockLostError) return 409;
  if (error instanceof UnknownOutcomeError) return 504;
  if (error instanceof UnreachableError) return 502;
  if (error instanceof ConfigurationError) return 422;
  return error instanceof SupamigrateError ? 422 : 500;
}

function refuseCaller(): Response {
  const error = new ConfigurationError("The request has no key, or not one of this project's", {
    hint: "Send the service role's key or a secret key, as a bearer token or as apikey.",
  });
  return reply(401, describe(error));
}

function refuseMethod(method: string): Response {
  const error = new ConfigurationError(`${method} is not for this function`, {
    hint: "GET is status; POST is migrate, or what the body says.",
  });
  return reply(405, describe(error));
}
