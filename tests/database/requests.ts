import type { Forward } from "../support/gateway.ts";
import type { ServerProject } from "../support/projects.ts";
import { until } from "../support/until.ts";

/** What a request asks of the database: a function of the protocol, or an action of `perform`. */
export async function readStep(request: Request): Promise<string> {
  const { sql_query = "", params } = await request.clone().json();
  const name = /supamigrate\.(\w+)\(/.exec(sql_query)?.[1] ?? "other";
  return name === "perform" ? params.action : name;
}

/** A request that was held back. */
export interface HeldRequest {
  /** Delivers it to PostgREST now, once more each time, and resolves to what came back. */
  deliver(): Promise<Response>;
}

/** What becomes of the first request of a step. */
export type Fault = (request: Request, forward: Forward) => Promise<Response>;

/** Gives the first request of each step named to a fault. Returns the steps as they came. */
export function injectFault(
  project: ServerProject,
  steps: readonly string[],
  fault: Fault,
): { readonly seen: string[] } & Disposable {
  const left = new Set(steps);
  const seen: string[] = [];
  const interception = project.gateway.intercept(async (request, forward) => {
    const step = await readStep(request);
    seen.push(step);
    return left.delete(step) ? await fault(request, forward) : await forward(request);
  });
  return { seen, [Symbol.dispose]: () => interception[Symbol.dispose]() };
}

/** Holds the first request of a step that comes after `skip` others of it. */
export function holdStep(
  project: ServerProject,
  step: string,
  { skip = 0, then }: { skip?: number; then?: Fault } = {},
): { reached(): Promise<void>; letGo(): void; deliver(): Promise<Response> } & Disposable {
  let count = 0;
  let deliver: (() => Promise<Response>) | undefined;
  const { promise: released, resolve: letGo } = Promise.withResolvers<void>();
  const interception = project.gateway.intercept(async (request, forward) => {
    if (deliver !== undefined || await readStep(request) !== step || count++ < skip) {
      return await forward(request);
    }
    const copy = request.clone();
    deliver = () => forward(copy.clone() as Request);
    await released;
    return await (then ?? ((request, forward) => forward(request)))(request, forward);
  });
  return {
    reached: () => until(`the step ${step}`, () => deliver !== undefined),
    letGo,
    deliver: () => deliver!(),
    [Symbol.dispose]: () => interception[Symbol.dispose](),
  };
}
