import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { buffer } from "node:stream/consumers";

/** Sends a request on to PostgREST, as often as it is called. */
export type Forward = (request: Request) => Promise<Response>;

/** Stands in for the gateway's handling of a request. Throwing drops the client's connection. */
export type Interceptor = (request: Request, forward: Forward) => Promise<Response>;

/** What a {@linkcode Gateway} stands before. */
export interface GatewayOptions {
  /** Sends a request to PostgREST, given the path as PostgREST sees it. */
  readonly upstream: (path: string, init: RequestInit) => Promise<Response>;
  /** The JSON Web Token that takes the place of each opaque (`sb_…`) key. */
  readonly opaqueKeys: ReadonlyMap<string, string>;
}

/** The door of a project: it looks at the API key and passes `/rest/v1/…` on to PostgREST. */
export class Gateway implements AsyncDisposable {
  /** The requests that have come in, whatever became of them. */
  requests = 0;
  readonly #options: GatewayOptions;
  readonly #server: Server;
  readonly #interceptors: { intercept: Interceptor; times: number }[] = [];

  private constructor(options: GatewayOptions) {
    this.#options = options;
    // Looking for idle connections every half minute would be a timer that outlives a test.
    this.#server = createServer(
      { connectionsCheckingInterval: 2 ** 31 - 1 },
      (incoming, outgoing) => {
        this.requests++;
        this.#handle(incoming, outgoing).catch(() => incoming.socket.destroy());
      },
    );
  }

  /** Opens a gateway on a free port. */
  static async open(options: GatewayOptions): Promise<Gateway> {
    const gateway = new Gateway(options);
    const { promise, resolve } = Promise.withResolvers<void>();
    gateway.#server.listen(0, "127.0.0.1", resolve);
    await promise;
    return gateway;
  }

  /** The project's URL. */
  get url(): string {
    const address = this.#server.address();
    if (address === null || typeof address === "string") throw new Error("The gateway is closed");
    return `http://127.0.0.1:${address.port}`;
  }

  /**
   * Hands the next `times` requests (all, unless told otherwise) to an interceptor, until what it
   * returns is disposed. The interceptor added last comes first.
   */
  intercept(intercept: Interceptor, times = Infinity): Disposable {
    const entry = { intercept, times };
    this.#interceptors.push(entry);
    return { [Symbol.dispose]: () => void (entry.times = 0) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#server.listening) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#server.close(() => resolve());
    this.#server.closeAllConnections();
    await promise;
  }

  async #handle(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const request = await toRequest(incoming, this.url);
    const forward: Forward = (request) => this.#forward(request);
    const entry = this.#interceptors.findLast(({ times }) => times > 0);
    if (entry) entry.times--;
    const response = await (entry ? entry.intercept(request, forward) : forward(request));
    const body = await response.bytes();
    // Deno's fetch sends even a POST again when a connection that it reuses is dropped. What
    // arrives twice here is to be a test's doing, so no connection is reused.
    outgoing.writeHead(response.status, {
      ...Object.fromEntries(response.headers),
      connection: "close",
    });
    outgoing.end(body);
  }

  async #forward(request: Request): Promise<Response> {
    const { pathname, search } = new URL(request.url);
    if (!pathname.startsWith("/rest/v1/")) {
      return Response.json({ message: "no Route matched with those values" }, { status: 404 });
    }
    const headers = new Headers(request.headers);
    const refusal = this.#authorize(headers);
    if (refusal) return Response.json(refusal, { status: 401 });
    try {
      const path = pathname.slice("/rest/v1".length) + search;
      const body = request.body && await request.clone().bytes();
      const response = await this.#options.upstream(path, {
        method: request.method,
        headers,
        body,
      });
      return await read(response);
    } catch {
      const message = "An invalid response was received from the upstream server";
      return Response.json({ message }, { status: 502 });
    }
  }

  /** Puts the key's token into the headers, or says why the request is refused. */
  #authorize(headers: Headers): { message: string; hint: string } | undefined {
    const key = headers.get("apikey");
    if (!key) {
      return {
        message: "No API key found in request",
        hint: "No `apikey` request header or url param was found.",
      };
    }
    const token = key.startsWith("sb_") ? this.#options.opaqueKeys.get(key) : key;
    if (!token) {
      return {
        message: "Unregistered API key",
        hint: "Double check the provided API key as it is not registered for this project.",
      };
    }
    if (key.startsWith("sb_secret_") && headers.get("user-agent")?.startsWith("Mozilla/")) {
      return {
        message: "Forbidden use of secret API key in browser",
        hint: "Secret API keys can only be used in a protected environment.",
      };
    }
    const authorization = headers.get("authorization");
    if (!authorization || authorization === `Bearer ${key}`) {
      headers.set("authorization", `Bearer ${token}`);
    }
    return undefined;
  }
}

// Bodies are read to their end, so that an interceptor may drop what it was given.

async function toRequest(incoming: IncomingMessage, base: string): Promise<Request> {
  const body = new Uint8Array(await buffer(incoming));
  const headers = new Headers();
  for (const [name, value] of Object.entries(incoming.headers)) {
    if (!aboutTheConnection.has(name)) headers.set(name, `${value}`);
  }
  return new Request(new URL(incoming.url ?? "/", base), {
    method: incoming.method ?? "GET",
    headers,
    body: body.length > 0 ? body : null,
  });
}

async function read(response: Response): Promise<Response> {
  const body = await response.bytes();
  const headers = new Headers(response.headers);
  for (const name of aboutTheConnection) headers.delete(name);
  return new Response(body.length > 0 ? body : null, { status: response.status, headers });
}

const aboutTheConnection = new Set(["host", "connection", "content-length", "transfer-encoding"]);
