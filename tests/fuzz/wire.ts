/**
 * Just enough of PostgreSQL's protocol to ask many short questions in one go: a statement to
 * parse (and no more), or a text to run. A client library would hide the answers that count here:
 * how many statements the server found, and where it stumbled.
 *
 * @module
 */

/** Something to ask. */
export interface Question {
  /** To parse one statement, without running it, or to run a text of any number of them. */
  readonly kind: "parse" | "run";
  readonly sql: string;
}

/** What the server says. */
export interface Answer {
  /** One for each statement that was run. */
  readonly tags: readonly string[];
  /** The first column of all rows. */
  readonly values: readonly (string | null)[];
  readonly error: {
    readonly code: string;
    readonly message: string;
    /** The character where it stumbled, from 1. */
    readonly position: number | null;
  } | null;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** A connection. */
export class Wire implements Disposable {
  readonly #connection: Deno.TcpConn;
  #received = new Uint8Array(1 << 16);
  #length = 0;
  #at = 0;

  private constructor(connection: Deno.TcpConn) {
    this.#connection = connection;
  }

  /**
   * Connects to a server on this machine that asks for no password.
   *
   * @param port The server's port.
   * @param user The role.
   * @param database The database.
   */
  static async open(port: number, user: string, database: string): Promise<Wire> {
    const connection = await Deno.connect({ hostname: "127.0.0.1", port });
    connection.setNoDelay(true);
    const wire = new Wire(connection);
    const parameters = `user\0${user}\0database\0${database}\0client_encoding\0UTF8\0\0`;
    const protocol = Uint8Array.of(0, 3, 0, 0);
    await wire.#write([message("", protocol, encoder.encode(parameters))]);
    const { error } = await wire.#answer();
    if (error !== null) throw new Error(`Cannot connect: ${error.message}`);
    return wire;
  }

  /** Asks, and waits for all answers. */
  async ask(questions: readonly Question[]): Promise<Answer[]> {
    const messages = questions.flatMap(({ kind, sql }) => {
      const text = encoder.encode(sql);
      return kind === "run"
        ? [message("Q", text, Uint8Array.of(0))]
        : [message("P", Uint8Array.of(0), text, Uint8Array.of(0, 0, 0)), message("S")];
    });
    const written = this.#write(messages);
    const answers: Answer[] = [];
    for (let count = questions.length; count > 0; count--) answers.push(await this.#answer());
    await written;
    return answers;
  }

  [Symbol.dispose](): void {
    this.#connection.close();
  }

  async #write(messages: readonly Uint8Array[]): Promise<void> {
    const bytes = join(messages);
    for (let at = 0; at < bytes.length;) at += await this.#connection.write(bytes.subarray(at));
  }

  async #answer(): Promise<Answer> {
    const tags: string[] = [];
    const values: (string | null)[] = [];
    let error: Answer["error"] = null;
    for (;;) {
      const { type, body } = await this.#message();
      if (type === "Z") return { tags, values, error };
      if (type === "C") tags.push(decoder.decode(body.subarray(0, -1)));
      if (type === "I") tags.push("");
      if (type === "D") values.push(firstColumn(body));
      if (type === "E") error = readError(body);
    }
  }

  async #message(): Promise<{ type: string; body: Uint8Array }> {
    await this.#need(5);
    const view = new DataView(this.#received.buffer, this.#at);
    const type = String.fromCharCode(view.getUint8(0));
    const length = view.getUint32(1);
    await this.#need(1 + length);
    const body = this.#received.slice(this.#at + 5, this.#at + 1 + length);
    this.#at += 1 + length;
    return { type, body };
  }

  async #need(count: number): Promise<void> {
    while (this.#length - this.#at < count) {
      if (this.#at > 0) {
        this.#received.copyWithin(0, this.#at, this.#length);
        this.#length -= this.#at;
        this.#at = 0;
      }
      if (this.#length === this.#received.length || count > this.#received.length) {
        const larger = new Uint8Array(Math.max(count, 2 * this.#received.length));
        larger.set(this.#received.subarray(0, this.#length));
        this.#received = larger;
      }
      const read = await this.#connection.read(this.#received.subarray(this.#length));
      if (read === null) throw new Error("The server closed the connection");
      this.#length += read;
    }
  }
}

function message(type: string, ...parts: readonly Uint8Array[]): Uint8Array {
  const length = new Uint8Array(4);
  new DataView(length.buffer).setUint32(0, 4 + parts.reduce((sum, part) => sum + part.length, 0));
  return join([encoder.encode(type), length, ...parts]);
}

function join(parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

function firstColumn(body: Uint8Array): string | null {
  const view = new DataView(body.buffer, body.byteOffset);
  if (view.getUint16(0) === 0) return null;
  const length = view.getInt32(2);
  return length === -1 ? null : decoder.decode(body.subarray(6, 6 + length));
}

function readError(body: Uint8Array): Answer["error"] {
  const fields: Record<string, string> = {};
  for (const field of decoder.decode(body).split("\0")) fields[field[0] ?? ""] = field.slice(1);
  return {
    code: fields.C ?? "",
    message: fields.M ?? "",
    position: fields.P === undefined ? null : Number(fields.P),
  };
}
