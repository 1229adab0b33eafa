/** The proxy between a client and PostgREST: where the network goes wrong. */

import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { buffer } from "node:stream/consumers";
import { setTimeout as delay } from "node:timers/promises";

/** An answer, read to its end. */
export interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

/** What a request asks of the database. */
export interface Call {
  /** A function of the protocol, an action of `perform`, or `install` for the bootstrap SQL. */
  readonly step: string;
  /** Generation and sequence that it names, where it is a change. */
  readonly sentFor?: string;
}

/** One request on its way, and what can be done to it. */
export interface Exchange {
  readonly call: Call;
  /** Sends the request on, as often as it is called. */
  forward(): Promise<Reply>;
  /** Answers the client. */
  send(reply: Reply): Promise<void>;
  /** Drops the client's connection. */
  drop(): void;
  /** Answers with the first bytes alone, then closes or resets the connection. */
  sendPart(reply: Reply, bytes: number, end: "close" | "reset"): Promise<void>;
  /** Answers a few bytes at a time. */
  drip(reply: Reply, milliseconds: number): Promise<void>;
  /** Answers in two halves. */
  sendInTwo(reply: Reply, between: () => Promise<void>): Promise<void>;
  /** How many bytes an answer takes on the wire. */
  size(reply: Reply): number;
}

class HttpExchange implements Exchange {
  readonly call: Call;
  readonly #forward: () => Promise<Reply>;
  readonly #outgoing: ServerResponse;

  constructor(call: Call, forward: () => Promise<Reply>, outgoing: ServerResponse) {
    this.call = call;
    this.#forward = forward;
    this.#outgoing = outgoing;
  }

  forward(): Promise<Reply> {
    return this.#forward();
  }

  async send({ status, headers, body }: Reply): Promise<void> {
    if (this.#outgoing.destroyed) return;
    this.#outgoing.writeHead(status, headers);
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#outgoing.on("close", resolve);
    this.#outgoing.end(body, resolve);
    await promise;
  }

  drop(): void {
    this.#socket?.destroy();
  }

  async sendPart(reply: Reply, bytes: number, end: "close" | "reset"): Promise<void> {
    const socket = this.#socket;
    if (socket === null) return;
    await write(socket, serialize(reply).subarray(0, bytes));
    await delay(5); // else the reset overtakes what was written
    if (end === "reset") socket.resetAndDestroy();
    else socket.destroy();
  }

  async drip(reply: Reply, milliseconds: number): Promise<void> {
    const socket = this.#socket;
    if (socket === null) return;
    const bytes = serialize(reply);
    const pieces = Math.max(1, Math.floor(milliseconds / 10));
    const size = Math.ceil(bytes.length / pieces);
    for (let start = 0; start < bytes.length && !socket.destroyed; start += size) {
      await write(socket, bytes.subarray(start, start + size));
      await delay(10);
    }
    socket.end();
  }

  async sendInTwo(reply: Reply, between: () => Promise<void>): Promise<void> {
    const socket = this.#socket;
    if (socket === null) return;
    const bytes = serialize(reply);
    const middle = Math.floor(bytes.length / 2);
    await write(socket, bytes.subarray(0, middle));
    await between();
    if (socket.destroyed) return;
    await write(socket, bytes.subarray(middle));
    socket.end();
  }

  size(reply: Reply): number {
    return serialize(reply).length;
  }

  get #socket(): Socket | null {
    return this.#outgoing.socket;
  }
}

/** Decides what becomes of a request. */
export type Handler = (exchange: Exchange) => Promise<void>;

/** What an {@linkcode HttpProxy} needs. */
export interface HttpProxyOptions {
  /** Sends a request to PostgREST, given the path as PostgREST sees it. */
  readonly upstream: (path: string, init: RequestInit) => Promise<Response>;
  /** What becomes of each request; sent on and answered, unless told otherwise. */
  readonly handler?: Handler;
}

/** A proxy on a port of its own. */
export class HttpProxy implements AsyncDisposable {
  /** The requests that have come in, whatever became of them. */
  requests = 0;
  readonly #options: HttpProxyOptions;
  readonly #server: Server;
  readonly #open = new Set<Promise<void>>();

  private constructor(options: HttpProxyOptions) {
    this.#options = options;
    this.#server = createServer(
      { connectionsCheckingInterval: 2 ** 31 - 1 },
      (incoming, outgoing) => {
        this.requests++;
        outgoing.on("error", () => {}); // as below
        const handled: Promise<void> = this.#handle(incoming, outgoing)
          .catch(() => void incoming.socket.destroy())
          .finally(() => void this.#open.delete(handled));
        this.#open.add(handled);
      },
    );
    // A client may be gone at any time: that is what this proxy is for.
    this.#server.on("connection", (socket) => socket.on("error", () => {}));
  }

  static async open(options: HttpProxyOptions): Promise<HttpProxy> {
    const proxy = new HttpProxy(options);
    const { promise, resolve } = Promise.withResolvers<void>();
    proxy.#server.listen(0, "127.0.0.1", resolve);
    await promise;
    return proxy;
  }

  get url(): string {
    const address = this.#server.address();
    if (address === null || typeof address === "string") throw new Error("The proxy is closed");
    return `http://127.0.0.1:${address.port}`;
  }

  /** Resolves when no request is under way. */
  async idle(): Promise<void> {
    while (this.#open.size > 0) await Promise.all(this.#open);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#server.close(() => resolve());
    this.#server.closeAllConnections();
    await promise;
  }

  async #handle(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const body = new Uint8Array(await buffer(incoming));
    const headers = new Headers();
    for (const [name, value] of Object.entries(incoming.headers)) {
      if (!aboutTheConnection.has(name)) headers.set(name, `${value}`);
    }
    const path = (incoming.url ?? "/").replace(/^\/rest\/v1/, "");
    const call = readCall(body);
    if (call.sentFor !== undefined) headers.set("x-chaos-step", call.sentFor);
    const forward = async (): Promise<Reply> => {
      try {
        const method = incoming.method ?? "GET";
        const response = await this.#options.upstream(path, {
          method,
          headers,
          body: body.length > 0 ? body : null,
        });
        return await read(response);
      } catch {
        return page(502, "An invalid response was received from the upstream server");
      }
    };
    const exchange = new HttpExchange(call, forward, outgoing);
    if (this.#options.handler) await this.#options.handler(exchange);
    else await exchange.send(await exchange.forward());
  }
}

/** A page as a gateway makes it: what no part of the project has said. */
export function page(status: number, text: string): Reply {
  const body = `<html><head><title>${status} ${text}</title></head><body>${text}</body></html>`;
  return {
    status,
    headers: { "content-type": "text/html", connection: "close" },
    body: new TextEncoder().encode(body),
  };
}

function readCall(body: Uint8Array): Call {
  let parsed;
  try {
    parsed = JSON.parse(new TextDecoder().decode(body));
  } catch {
    return { step: "other" };
  }
  const { sql_query: sql = "", params = {} } = parsed;
  if (/create schema/.test(sql)) return { step: "install" };
  const name = /^select supamigrate\.(\w+)\(/.exec(sql)?.[1] ?? "other";
  if (name !== "perform") return { step: name };
  return { step: params.action, sentFor: `${params.generation}/${params.sequence}` };
}

async function read(response: Response): Promise<Reply> {
  const headers: Record<string, string> = {};
  for (const [name, value] of response.headers) {
    if (!aboutTheConnection.has(name)) headers[name] = value;
  }
  return { status: response.status, headers, body: await response.bytes() };
}

function serialize({ status, headers, body }: Reply): Uint8Array {
  const head = [
    `HTTP/1.1 ${status} Status`,
    ...Object.entries({ ...headers, "content-length": body.length, connection: "close" })
      .map(([name, value]) => `${name}: ${value}`),
  ].join("\r\n");
  const bytes = new TextEncoder().encode(`${head}\r\n\r\n`);
  const whole = new Uint8Array(bytes.length + body.length);
  whole.set(bytes);
  whole.set(body, bytes.length);
  return whole;
}

export async function write(socket: Socket, bytes: Uint8Array): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  socket.write(bytes, () => resolve());
  await promise;
}

const aboutTheConnection = new Set(["host", "connection", "content-length", "transfer-encoding"]);
