/** What is too large for one call: sent ahead of it, in parts. @module */

import { CallError, type Room } from "./channel.ts";
import { isLonger, toListParts, toParts } from "./parts.ts";

/** Sends a part of a call: to which one it belongs, its number, and what is in it. */
export type SendPart = (body: string, number: number, content: string) => Promise<void>;

/** What was sent ahead, and what a call has in its place. */
interface Staged {
  readonly large: Record<string, unknown>;
  readonly carried: Record<string, unknown>;
}

/** What was sent of a list of statements, as `read_statements` in `sql/run.sql` has it. */
interface StagedStatements {
  readonly body: string;
  /** The first and the last part of each of the lists that it was cut into. */
  readonly chunks: readonly (readonly [number, number])[];
  readonly count: number;
  readonly last_line: unknown;
  readonly destroys: boolean;
}

/** No gateway is known that lets less through, in bytes. */
const LEAST_PART = 25_000;

/** Sends what is too large for one call ahead, in parts. */
export class Staging {
  #room: Room;
  readonly #send: SendPart;
  /** An attempt that is undone leaves its parts there for the next one. */
  #staged: Staged | undefined;

  /**
   * @param room How much a call carries.
   * @param send Sends a part, until it is there.
   */
  constructor(room: Room, send: SendPart) {
    this.#room = room;
    this.#send = send;
  }

  /**
   * Sends what is too large ahead. Parts that arrive twice, or for nothing, do no harm, so they are just
   * sent again.
   *
   * @param payload What a call brings.
   * @returns What it has in place of that.
   * @throws As sending a part does.
   */
  async replace(payload: Record<string, unknown>): Promise<Record<string, unknown>> {
    if (!isLonger(payload, this.#room.whole)) return payload;
    const entries = Object.entries(payload);
    const large = Object.fromEntries(entries.filter(([, value]) => typeof value === "object"));
    const rest = Object.fromEntries(entries.filter(([, value]) => typeof value !== "object"));
    if (!isSame(large, this.#staged?.large)) {
      this.#staged = undefined;
      try {
        this.#staged = { large, carried: await this.#sendAhead(large, this.#room) };
      } catch (error) {
        const isTooLarge = error instanceof CallError && error.isTooLarge;
        if (isTooLarge && this.makeSmaller()) return await this.replace(payload);
        throw error;
      }
    }
    return { ...rest, ...this.#staged!.carried };
  }

  /** Whether less may go through where something was too large. */
  makeSmaller(): boolean {
    const { part } = this.#room;
    if (part < 2 * LEAST_PART) return false;
    this.#room = { whole: part / 2, part: part / 2 };
    this.#staged = undefined; // what went along with it was too large as well
    return true;
  }

  /** The statements first, which the server reads one list after the other, and then what else is too large. */
  async #sendAhead(
    large: Record<string, unknown>,
    { whole, part }: Room,
  ): Promise<Record<string, unknown>> {
    const body = crypto.randomUUID();
    let parts = 0;
    // The next one is cut while the server takes the one before.
    let sending = Promise.resolve();
    const send = async (content: string) => {
      await sending;
      sending = this.#send(body, ++parts, content);
    };
    const sendList = async (list: readonly (readonly unknown[])[]): Promise<StagedStatements> => {
      const chunks: [number, number][] = [];
      let first = parts + 1;
      for (const { content, isEnd } of toListParts(list, part)) {
        await send(content);
        if (!isEnd) continue;
        chunks.push([first, parts]);
        first = parts + 1;
      }
      const destroys = list.some(([, , destroyed]) => destroyed !== undefined);
      return { body, chunks, count: list.length, last_line: list.at(-1)?.[0], destroys };
    };
    const carried = await replaceLists(
      large,
      (list) => isLonger(list, part) ? sendList(list) : list,
    );
    if (!isLonger(carried, whole)) {
      await sending;
      return { ...carried, staged: { body, parts } };
    }
    const first = parts + 1;
    for (const content of toParts(carried, part)) await send(content);
    await sending;
    return { staged: { body, parts, first } };
  }
}

type StatementLists = Record<string, readonly (readonly unknown[])[] | undefined>;

/** Replaces the lists of statements in what is sent of migrations. */
async function replaceLists(
  { migration, migrations, ...rest }: Record<string, unknown>,
  replace: (list: readonly (readonly unknown[])[]) => unknown,
): Promise<Record<string, unknown>> {
  const slim = async (one: StatementLists) => {
    const lists: Record<string, unknown> = {};
    for (const name of ["undo", "statements"]) {
      if (one[name] !== undefined) lists[name] = await replace(one[name]);
    }
    return { ...one, ...lists };
  };
  if (migration) rest.migration = await slim(migration as StatementLists);
  if (migrations) {
    const slimmed: unknown[] = [];
    for (const one of migrations as readonly StatementLists[]) slimmed.push(await slim(one));
    rest.migrations = slimmed;
  }
  return rest;
}

/** Whether two calls bring the very same, migration by migration. */
function isSame(one: Record<string, unknown>, other: Record<string, unknown> = {}): boolean {
  const names = Object.keys(one);
  return names.length === Object.keys(other).length && names.every((name) => {
    const [mine, theirs] = [one[name], other[name]];
    return mine === theirs ||
      Array.isArray(mine) && Array.isArray(theirs) && mine.length === theirs.length &&
        mine.every((item, index) => item === theirs[index]);
  });
}
