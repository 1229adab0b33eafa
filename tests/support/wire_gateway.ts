import type { Socket } from "node:net";
import type { Forward, Interceptor } from "./gateway.ts";
import { holdsError, type Query, WireServer } from "./wire_server.ts";

/**
 * The door of a database for direct connections, which hands what is sent to it to interceptors as
 * `Gateway` does: a query is a request with the body of a call of `exec_sql`, and what the database
 * answers is the response's body. So a fault of the network is the same on both ways.
 */
export class WireGateway implements AsyncDisposable {
  /** The queries that have come in, whatever became of them. */
  requests = 0;
  readonly #interceptors: { intercept: Interceptor; times: number }[] = [];
  #server: WireServer | undefined;

  /** Opens a door before the database at an address. */
  static async open(databaseUrl: string): Promise<WireGateway> {
    const gateway = new WireGateway();
    gateway.#server = await WireServer.open(databaseUrl, (query, client, forward) => {
      gateway.requests++;
      return gateway.#handle(query, client, forward);
    });
    return gateway;
  }

  /** A database's address that leads through this door. */
  addressOf(databaseUrl: string): string {
    return this.#server!.addressOf(databaseUrl);
  }

  /** As `Gateway`'s. */
  intercept(intercept: Interceptor, times = Infinity): Disposable {
    const entry = { intercept, times };
    this.#interceptors.push(entry);
    return { [Symbol.dispose]: () => void (entry.times = 0) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server?.[Symbol.asyncDispose]();
  }

  async #handle(
    { sql, params }: Query,
    client: Socket,
    send: () => Promise<Uint8Array>,
  ): Promise<void> {
    const forward: Forward = async () => {
      const answer = await send();
      return new Response(answer.slice(), { status: holdsError(answer) ? 400 : 200 });
    };
    const entry = this.#interceptors.findLast(({ times }) => times > 0);
    if (entry) entry.times--;
    const body = JSON.stringify({ sql_query: sql, params });
    const request = new Request("http://database/", { method: "POST", body });
    const response = await (entry ? entry.intercept(request, forward) : forward(request));
    const answer = await response.bytes();
    if (client.destroyed) return;
    client.write(answer);
    const announced = response.headers.get("content-length");
    if (announced !== null && Number(announced) !== answer.length) client.end();
  }
}
