/** The proxy between a client and PostgreSQL: where a direct connection goes wrong. */

import type { Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { type Query, WireServer } from "../support/wire_server.ts";
import { type Call, type Exchange, type Handler, type Reply, write } from "./http_proxy.ts";

/** A door for direct connections: what becomes of a query is up to the handler of an API's door. */
export class WireDoor implements AsyncDisposable {
  readonly #server: WireServer;

  private constructor(server: WireServer) {
    this.#server = server;
  }

  static async open(databaseUrl: string, handler: Handler): Promise<WireDoor> {
    return new WireDoor(
      await WireServer.open(databaseUrl, async (query, client, forward) => {
        const call = readCall(query);
        await handler(
          new WireExchange(call, client, async () => {
            try {
              return { status: 200, headers: {}, body: await forward(witness(query, call)) };
            } catch {
              return LOST; // the database hung up
            }
          }),
        );
      }),
    );
  }

  /** A database's address that leads through this door. */
  addressOf(databaseUrl: string): string {
    return this.#server.addressOf(databaseUrl);
  }

  /** Resolves when no query is under way. */
  idle(): Promise<void> {
    return this.#server.idle();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#server[Symbol.asyncDispose]();
  }
}

const LOST: Reply = { status: 502, headers: {}, body: new Uint8Array() };

class WireExchange implements Exchange {
  readonly call: Call;
  readonly forward: () => Promise<Reply>;
  readonly #client: Socket;

  constructor(call: Call, client: Socket, forward: () => Promise<Reply>) {
    this.call = call;
    this.forward = forward;
    this.#client = client;
  }

  async send(reply: Reply): Promise<void> {
    await this.#write(reply, (body) => write(this.#client, body));
  }

  drop(): void {
    this.#client.destroy();
  }

  async sendPart(reply: Reply, bytes: number, end: "close" | "reset"): Promise<void> {
    await this.#write(reply, async (body) => {
      await write(this.#client, body.subarray(0, bytes));
      await delay(5); // else the reset overtakes what was written
      if (end === "reset") this.#client.resetAndDestroy();
      else this.#client.destroy();
    });
  }

  async drip(reply: Reply, milliseconds: number): Promise<void> {
    await this.#write(reply, async (body) => {
      const size = Math.ceil(body.length / Math.max(1, Math.floor(milliseconds / 10)));
      for (let start = 0; start < body.length && !this.#client.destroyed; start += size) {
        await write(this.#client, body.subarray(start, start + size));
        await delay(10);
      }
    });
  }

  async sendInTwo(reply: Reply, between: () => Promise<void>): Promise<void> {
    await this.#write(reply, async (body) => {
      const middle = Math.floor(body.length / 2);
      await write(this.#client, body.subarray(0, middle));
      await between();
      if (!this.#client.destroyed) await write(this.#client, body.subarray(middle));
    });
  }

  size({ body }: Reply): number {
    return Math.max(1, body.length);
  }

  /** A gateway's page has no place here: who would send one hangs up. */
  async #write(reply: Reply, how: (body: Uint8Array) => Promise<void>): Promise<void> {
    if (reply.status !== 200) this.drop();
    else if (!this.#client.destroyed) await how(reply.body);
  }
}

function readCall({ sql, params }: Query): Call {
  if (/create schema/.test(sql)) return { step: "install" };
  if (/^(create|drop) index concurrently/i.test(sql)) return { step: "build" };
  const name = /\bselect supamigrate\.(\w+)\(/.exec(sql)?.[1] ?? "other";
  if (name !== "perform") return { step: name };
  return { step: String(params.action), sentFor: `${params.generation}/${params.sequence}` };
}

/** Tells the witness what a change was sent for, as a header does on the way through the API. */
function witness({ sql }: Query, { sentFor }: Call): string | undefined {
  if (sentFor === undefined) return undefined;
  const headers = JSON.stringify({ "x-chaos-step": sentFor });
  return sql.replace(
    /^begin [^;]*;/,
    (begin) =>
      `${begin} set local request.headers = '${headers}'; ` +
      "do $note$ begin perform graphql_public.chaos_note_request(); end $note$;",
  );
}
