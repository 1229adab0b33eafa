import { Buffer } from "node:buffer";
import { connect, createServer, type Server, type Socket } from "node:net";

/** A query on its way to a database. */
export interface Query {
  /** Its SQL. */
  readonly sql: string;
  /** The parameters that stand in it as a literal; none where there is no such literal. */
  readonly params: Readonly<Record<string, unknown>>;
}

/** Answers a query, or hangs up by throwing. */
export type QueryHandler = (
  query: Query,
  /** Whom it is from. */
  client: Socket,
  /** Sends it on, or other SQL in its place, and resolves to the bytes of the answer. */
  forward: (sql?: string) => Promise<Uint8Array>,
) => Promise<void>;

/**
 * Stands before a database, and knows one query from the next. A whole transaction that is sent on
 * more than once, or after the end of its session, gets a connection of its own for each copy; any
 * other query belongs to its session, and ends with it.
 */
export class WireServer implements AsyncDisposable {
  readonly #server: Server;
  readonly #upstream: { readonly host: string; readonly port: number };
  readonly #handler: QueryHandler;
  readonly #sockets = new Set<Socket>();
  readonly #open = new Set<Promise<unknown>>();

  private constructor(databaseUrl: string, handler: QueryHandler) {
    const { hostname, port } = new URL(databaseUrl);
    this.#upstream = { host: hostname, port: Number(port) };
    this.#handler = handler;
    this.#server = createServer((client) => this.#accept(client));
  }

  /** Stands before the database at an address. */
  static async open(databaseUrl: string, handler: QueryHandler): Promise<WireServer> {
    const server = new WireServer(databaseUrl, handler);
    const { promise, resolve } = Promise.withResolvers<void>();
    server.#server.listen(0, "127.0.0.1", resolve);
    await promise;
    return server;
  }

  /** A database's address that leads through here. */
  addressOf(databaseUrl: string): string {
    const address = this.#server.address();
    if (address === null || typeof address === "string") throw new Error("The server is closed");
    const url = new URL(databaseUrl);
    url.hostname = "127.0.0.1";
    url.port = `${address.port}`;
    return url.href;
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
        opened.then((it) => {
          client.write(it.greeting);
          it.onClose(() => client.end());
        }, () => client.destroy());
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
    message: Uint8Array,
    client: Socket,
    session: Promise<Session>,
    startup: Uint8Array,
  ): Promise<void> {
    const own = await session;
    let first = true;
    const forward = async (sql?: string): Promise<Uint8Array> => {
      const isOwn = first && !own.isClosed;
      first = false;
      if (!isOwn && !isTransaction(message)) throw new Error("The session is over");
      const used = isOwn ? own : await this.#openSession(startup);
      const answer = await used.ask(sql === undefined ? message : toMessage(sql));
      if (!isOwn) used.end();
      return answer;
    };
    await this.#handler(toQuery(message), client, forward);
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

  onClose(act: () => void): void {
    this.#socket.on("close", act);
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

/** Whether it is one from BEGIN to COMMIT, which needs nothing of its session. */
function isTransaction(query: Uint8Array): boolean {
  return new TextDecoder().decode(query.slice(5, 11)) === "begin ";
}

/** Whether an answer is, or ends with, an error. */
export function holdsError(reply: Uint8Array): boolean {
  const messages = new Messages();
  messages.add(reply);
  for (let it = messages.take(); it !== undefined; it = messages.take()) {
    if (it[0] === ERROR) return true;
  }
  return false;
}

function toQuery(message: Uint8Array): Query {
  const sql = new TextDecoder().decode(message.slice(5, -1));
  const literal = /decode\('([\w+/=]+)', 'base64'\), 'UTF8'\)::pg_catalog\.jsonb/.exec(sql);
  return {
    sql,
    params: literal === null ? {} : JSON.parse(`${Buffer.from(literal[1]!, "base64")}`),
  };
}

function toMessage(sql: string): Uint8Array {
  const text = Buffer.from(`${sql}\0`, "utf8");
  const head = Buffer.alloc(5);
  head[0] = QUERY;
  head.writeUInt32BE(text.length + 4, 1);
  return Buffer.concat([head, text]);
}
