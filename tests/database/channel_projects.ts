import type { Gateway } from "../support/gateway.ts";
import {
  type ProjectKind,
  type ServerProject,
  testOnOneServer,
  testOnServers,
} from "../support/projects.ts";
import { WireGateway } from "../support/wire_gateway.ts";

/** What the requests of a project's migrators go through, on whichever way. */
export type Door = Pick<Gateway, "intercept" | "requests">;

/** A project whose migrators take one of the ways to its database. */
export type ChannelProject = Omit<ServerProject, "gateway"> & { readonly gateway: Door };

/** A test of the protocol, which is the same over the API and, on one server, over a direct connection. */
export function testOnBothWays(
  name: string,
  body: (project: ChannelProject) => Promise<void>,
  kind?: ProjectKind,
): void {
  testOnServers(name, body, kind);
  testOnOneServer(`over a direct connection ${name}`, async (project) => {
    await using direct = await openDirect(project);
    await body(direct.project);
  }, kind);
}

/** Has the migrators of a project go past the API, through a door that sees what they send. */
export async function openDirect(
  project: ServerProject,
): Promise<{ readonly project: ChannelProject } & AsyncDisposable> {
  const resources = new AsyncDisposableStack();
  const door = resources.use(await WireGateway.open(project.databaseUrl));
  const databaseUrl = door.addressOf(project.databaseUrl);
  const direct: ChannelProject = {
    ...project,
    databaseUrl,
    gateway: door,
    get requests() {
      return door.requests;
    },
    migrator: (migrations, options = {}) =>
      resources.use(project.migrator(migrations, { via: "direct", databaseUrl, ...options })),
  };
  return { project: direct, [Symbol.asyncDispose]: () => resources.disposeAsync() };
}
