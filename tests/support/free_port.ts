/**
 * Finds a port for a server that is started later, or again and again. Systems give ports from 32768 on
 * to connections, which would take it in between: it is one below.
 */
export function freePort(): number {
  for (let attempt = 1;; attempt++) {
    const port = 20_000 + Math.floor(Math.random() * 12_000);
    try {
      using _ = Deno.listen({ hostname: "127.0.0.1", port });
      return port;
    } catch (error) {
      if (!(error instanceof Deno.errors.AddrInUse) || attempt === 20) throw error;
    }
  }
}
