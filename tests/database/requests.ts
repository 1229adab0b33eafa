import type { Forward } from "../support/gateway.ts";
import { until } from "../support/until.ts";
import type { Door } from "./channel_projects.ts";

/** What a request asks of the database: a function of the protocol, or an action of `perform`. */
export async function readStep(request: Request): Promise<string> {
  const { sql_query = "", params } = await request.clone().json();
  const name = /supamigrate\.(\w+)\(/.exec(sql_query)?.[1] ?? "other";
  return name === "perform" ? params.action : name;
}

/** What becomes of the first request of a step. */
export type Fault = (request: Request, forward: Forward) => Promise<Response>;

/** Gives the first request of each of some steps to a fault. */
export function injectFault(
  project: { readonly gateway: Door },
  steps: readonly string[],
  fault: Fault,
): Disposable {
  const left = new Set(steps);
  return project.gateway.intercept(async (request, forward) => {
    return left.delete(await readStep(request))
      ? await fault(request, forward)
      : await forward(request);
  });
}

/** A request that is on its way until a test lets it go. */
export interface HeldRequest extends Disposable {
  /** Resolves when the client has sent it. */
  reached(): Promise<void>;
  /** Delivers it. */
  letGo(): void;
}

/** Holds the first request of a step that comes after `skip` others of it. */
export function holdStep(project: { readonly gateway: Door }, step: string, skip = 0): HeldRequest {
  let left = skip;
  let held = false;
  const { promise: released, resolve: letGo } = Promise.withResolvers<void>();
  const interception = project.gateway.intercept(async (request, forward) => {
    if (!held && await readStep(request) === step && left-- === 0) {
      held = true;
      await released;
    }
    return await forward(request);
  });
  return {
    reached: () => until(`the step ${step}`, () => held),
    letGo,
    [Symbol.dispose]: () => interception[Symbol.dispose](),
  };
}
