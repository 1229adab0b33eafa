import { Buffer } from "node:buffer";
import { connect, createServer, type Server, type Socket } from "node:net";
import type { Forward, Interceptor } from "./gateway.ts";

/**
 * The door of a database for direct connections, which hands what is sent to it to interceptors as
 * `Gateway` does: a query is a request, and what the database answers is the response's body. So
 * a fault of the network is the same on both ways. A query that is sent on more than once gets a
 * connection of its own for each copy.
 */
export class WireGateway implements AsyncDisposable {
  /** The queries that have come in, whatever became of them. */
  requests = 0;
  readonly #server: Server;
  readonly #upstream: { readonly host: string; readonly port: number };
  readonly #sockets = new Set<Socket>();
  readonly #interceptors: { intercept: Interceptor; times: number }[] = [];
  readonly #open = new Set<Promise<unknown>>();

  private constructor(upstream: { readonly host: string; readonly port: number }) {
    this.#upstream = upstream;
    this.#server = createServer((client) => this.#accept(client));
  }

  /** Opens a door before the database at an address. */
  static async open(databaseUrl: string): Promise<WireGateway> {
    const { hostname, port } = new URL(databaseUrl);
    const gateway = new WireGateway({ host: hostname, port: Number(port) });
    const { promise, resolve } = Promise.withResolvers<void>();
    gateway.#server.listen(0, "127.0.0.1", resolve);
    await promise;
    return gateway;
  }

  /** The port. */
  get port(): number {
    const address = this.#server.address();
    if (address === null || typeof address === "string") throw new Error("The gateway is closed");
    return address.port;
  }

  /** A database's address that leads through this door. */
  addressOf(databaseUrl: string): string {
    const url = new URL(databaseUrl);
    url.hostname = "127.0.0.1";
    url.port = `${this.port}`;
    return url.href;
  }

  /** As `Gateway`'s. */
  intercept(intercept: Interceptor, times = Infinity): Disposable {
    const entry = { intercept, times };
    this.#interceptors.push(entry);
    return { [Symbol.dispose]: () => void (entry.times = 0) };
  }

  /** Resolves when no query is under way. */
  async idle(): Promise<void> {
    while (this.#open.size > 0) await Promise.all(this.#open);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#server.close(() => resolve());
    for (const socket of this.#sockets) socket.destroy();
    await promise;
  }

  #keep(socket: Socket): Socket {
    this.#sockets.add(socket);
    socket.setNoDelay(true);
    socket.on("error", () => socket.destroy());
    socket.on("close", () => this.#sockets.delete(socket));
    return socket;
  }

  #accept(client: Socket): void {
    this.#keep(client);
    let startup: Uint8Array | undefined;
    let session: Promise<Session> | undefined;
    let turn: Promise<void> = Promise.resolve();
    client.on("close", () => session?.then((it) => it.endWhenIdle(), () => {}));

    const messages = new Messages();
    client.on("data", (bytes: Uint8Array) => {
      messages.add(bytes);
      if (startup === undefined) {
        startup = messages.takeStartup();
        if (startup === undefined) return;
        const opened = this.#openSession(startup);
        session = opened;
        opened.then((it) => client.write(it.greeting), () => client.destroy());
      }
      for (let message = messages.take(); message !== undefined; message = messages.take()) {
        if (message[0] !== QUERY) {
          client.destroy(); // the end, and nothing else is sent
          return;
        }
        const query = message;
        const handle = isGreeting(query) ? this.#pass : this.#handle;
        turn = turn.then(() => handle.call(this, query, client, session!, startup!))
          .catch(() => void client.destroy());
        const tracked: Promise<unknown> = turn.finally(() => this.#open.delete(tracked));
        this.#open.add(tracked);
      }
    });
  }

  async #pass(query: Uint8Array, client: Socket, session: Promise<Session>): Promise<void> {
    client.write(await (await session).ask(query));
  }

  async #handle(
    query: Uint8Array,
    client: Socket,
    session: Promise<Session>,
    startup: Uint8Array,
  ): Promise<void> {
    this.requests++;
    const own = await session;
    let first = true;
    const forward: Forward = async () => {
      const isOwn = first && !own.isClosed;
      first = false;
      const used = isOwn ? own : await this.#openSession(startup);
      const reply = await used.ask(query);
      if (!isOwn) used.end();
      return new Response(reply.slice(), { status: holdsError(reply) ? 400 : 200 });
    };
    const entry = this.#interceptors.findLast(({ times }) => times > 0);
    if (entry) entry.times--;
    const request = new Request("http://database/", { method: "POST", body: toJson(query) });
    const response = await (entry ? entry.intercept(request, forward) : forward(request));
    const body = await response.bytes();
    if (client.destroyed) return;
    client.write(body);
    const announced = response.headers.get("content-length");
    if (announced !== null && Number(announced) !== body.length) client.end();
  }

  /** Connects as the client did. The test servers ask for no password. */
  async #openSession(startup: Uint8Array): Promise<Session> {
    const socket = this.#keep(connect(this.#upstream.port, this.#upstream.host));
    const session = new Session(socket);
    await session.begin(startup);
    return session;
  }
}

const QUERY = "Q".charCodeAt(0);
const ERROR = "E".charCodeAt(0);
const READY = "Z".charCodeAt(0);

/** Bytes as they come, cut into messages. */
class Messages {
  #bytes: Uint8Array = new Uint8Array();

  add(bytes: Uint8Array): void {
    this.#bytes = Buffer.concat([this.#bytes, bytes]);
  }

  /** The first message of a client, which has no type. */
  takeStartup(): Uint8Array | undefined {
    return this.#takeFrom(0);
  }

  take(): Uint8Array | undefined {
    return this.#takeFrom(1);
  }

  #takeFrom(lengthAt: number): Uint8Array | undefined {
    if (this.#bytes.length < lengthAt + 4) return undefined;
    const view = new DataView(this.#bytes.buffer, this.#bytes.byteOffset);
    const length = lengthAt + view.getUint32(lengthAt);
    if (this.#bytes.length < length) return undefined;
    const message = this.#bytes.slice(0, length);
    this.#bytes = this.#bytes.slice(length);
    return message;
  }
}

/** A connection to the database. */
class Session {
  /** What the database said at its beginning. */
  greeting: Uint8Array = new Uint8Array();
  readonly #socket: Socket;
  readonly #messages = new Messages();
  #answer: Uint8Array[] = [];
  #waiting: { resolve: (answer: Uint8Array) => void; reject: (error: Error) => void } | undefined;
  #endsWhenIdle = false;

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.on("data", (bytes: Uint8Array) => this.#receive(bytes));
    socket.on("close", () => this.#waiting?.reject(new Error("The database hung up")));
  }

  get isClosed(): boolean {
    return this.#socket.destroyed;
  }

  async begin(startup: Uint8Array): Promise<void> {
    this.greeting = await this.ask(startup);
  }

  /** Sends bytes, and resolves to what comes until the database is ready for more. */
  async ask(bytes: Uint8Array): Promise<Uint8Array> {
    const { promise, resolve, reject } = Promise.withResolvers<Uint8Array>();
    this.#waiting = { resolve, reject };
    if (this.isClosed) reject(new Error("The database has hung up"));
    this.#socket.write(bytes);
    try {
      return await promise;
    } finally {
      this.#waiting = undefined;
      if (this.#endsWhenIdle) this.end();
    }
  }

  end(): void {
    this.#socket.destroy();
  }

  /** The database is left to its work: only what it answers is lost. */
  endWhenIdle(): void {
    this.#endsWhenIdle = true;
    if (this.#waiting === undefined) this.end();
  }

  #receive(bytes: Uint8Array): void {
    this.#messages.add(bytes);
    for (let it = this.#messages.take(); it !== undefined; it = this.#messages.take()) {
      this.#answer.push(it);
      if (it[0] !== READY) continue;
      const answer = Buffer.concat(this.#answer);
      this.#answer = [];
      this.#waiting?.resolve(answer);
    }
  }
}

/** What a client says to see whether it is connected: a part of connecting, and no request. */
function isGreeting(query: Uint8Array): boolean {
  return new TextDecoder().decode(query.slice(5, -1)) === "select 1";
}

function holdsError(reply: Uint8Array): boolean {
  const messages = new Messages();
  messages.add(reply);
  for (let it = messages.take(); it !== undefined; it = messages.take()) {
    if (it[0] === ERROR) return true;
  }
  return false;
}

/** A query in the form of a call of `exec_sql`. */
function toJson(query: Uint8Array): string {
  const sql_query = new TextDecoder().decode(query.slice(5, -1));
  const literal = /decode\('([\w+/=]+)', 'base64'\), 'UTF8'\)::pg_catalog\.jsonb/.exec(sql_query);
  const params = literal === null ? {} : JSON.parse(`${Buffer.from(literal[1]!, "base64")}`);
  return JSON.stringify({ sql_query, params });
}
