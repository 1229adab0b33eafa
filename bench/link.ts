/** A link that takes its time. @module */

import { connect, createServer, type Socket } from "node:net";

/** A port of this machine that leads to another one, with a delay. */
export interface Link extends AsyncDisposable {
  readonly port: number;
}

/**
 * Opens a link.
 *
 * @param port Where it leads to.
 * @param roundTripMs How long a question and its answer are under way, in milliseconds: half of it each.
 * @returns The link.
 */
export async function openLink(port: number, roundTripMs: number): Promise<Link> {
  const sockets = new Set<Socket>();
  const server = createServer({ noDelay: true }, (near) => {
    const far = connect({ port, host: "127.0.0.1", noDelay: true });
    for (const [from, to] of [[near, far], [far, near]] as const) {
      sockets.add(from);
      from.on("data", (bytes) => later(() => to.write(bytes)));
      from.on("end", () => later(() => to.end()));
      from.on("error", () => to.destroy());
      from.on("close", () => {
        sockets.delete(from);
        later(() => to.destroy());
      });
    }
  });
  // Timers of the same length end in the order in which they were set.
  const later = (then: () => void) => setTimeout(then, roundTripMs / 2);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as { port: number }).port,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
