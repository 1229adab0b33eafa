/** The proxy between PostgREST and PostgreSQL: where a database connection goes wrong. */

import { connect, createServer, type Server, type Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";

/** What becomes of one packet on its way to the database, and of the answer to it. */
export type WireFault =
  /** The connection breaks before the packet reaches the database. */
  | { readonly kind: "cut before" }
  /** The packet reaches the database, its answer does not come back. */
  | { readonly kind: "cut after" }
  /** The answer comes late. */
  | { readonly kind: "delay"; readonly milliseconds: number }
  /** The first bytes of the answer come back, then the connection is reset. */
  | { readonly kind: "truncate"; readonly bytes: number }
  /** The answer comes a byte at a time. */
  | { readonly kind: "drip"; readonly milliseconds: number };

/** A proxy on a port of its own. */
export class WireProxy implements AsyncDisposable {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #armed: { fault: WireFault; skip: number; fired: () => void } | undefined;

  private constructor(upstreamPort: number) {
    this.#server = createServer((client) => this.#accept(client, upstreamPort));
  }

  static async open(upstreamPort: number): Promise<WireProxy> {
    const proxy = new WireProxy(upstreamPort);
    const { promise, resolve } = Promise.withResolvers<void>();
    proxy.#server.listen(0, "127.0.0.1", resolve);
    await promise;
    return proxy;
  }

  get port(): number {
    const address = this.#server.address();
    if (address === null || typeof address === "string") throw new Error("The proxy is closed");
    return address.port;
  }

  /** Has a fault happen to the next packet to the database after `skip` others. */
  arm(fault: WireFault, skip: number, fired: () => void): void {
    this.#armed = { fault, skip, fired };
  }

  /** Takes an armed fault back. */
  disarm(): void {
    this.#armed = undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#server.close(() => resolve());
    for (const socket of this.#sockets) socket.destroy();
    await promise;
  }

  #accept(client: Socket, upstreamPort: number): void {
    const database = connect(upstreamPort, "127.0.0.1");
    let answering: WireFault | undefined;
    const end = () => {
      for (const socket of [client, database]) {
        socket.destroy();
        this.#sockets.delete(socket);
      }
    };
    for (const socket of [client, database]) {
      this.#sockets.add(socket);
      socket.setNoDelay(true);
      socket.on("error", end);
    }
    database.on("close", end);
    // After "cut after" PostgreSQL is left to its work: only what it answers is lost.
    client.on("close", () => answering?.kind === "cut after" || end());

    client.on("data", (packet: Uint8Array) => {
      const armed = this.#armed;
      if (armed !== undefined && armed.skip-- <= 0) {
        this.#armed = undefined;
        armed.fired();
        if (armed.fault.kind === "cut before") return end();
        answering = armed.fault;
      }
      database.write(packet);
      if (answering?.kind === "cut after") client.destroy();
    });

    // Packets are passed on in order, also while one is held up.
    let before = Promise.resolve();
    database.on("data", (packet: Uint8Array) => {
      const fault = answering;
      answering = undefined;
      before = before.then(() => answer(client, packet, fault, end)).catch(end);
    });
  }
}

async function answer(
  client: Socket,
  packet: Uint8Array,
  fault: WireFault | undefined,
  end: () => void,
): Promise<void> {
  switch (fault?.kind) {
    case "cut after":
      return end();
    case "truncate":
      client.write(packet.subarray(0, fault.bytes));
      await delay(5);
      client.resetAndDestroy();
      return end();
    case "delay":
      await delay(fault.milliseconds);
      break;
    case "drip": {
      const size = Math.ceil(packet.length / 50);
      for (let start = 0; start < packet.length; start += size) {
        if (client.destroyed) return;
        client.write(packet.subarray(start, start + size));
        await delay(fault.milliseconds / 50);
      }
      return;
    }
  }
  if (!client.destroyed) client.write(packet);
}
