/**
 * OpenTelemetry: spans of a run, its migrations and their steps, where the process has set it up.
 * Elsewhere nothing is loaded, and nothing is done. Spans hold names, numbers and SQLSTATEs; no SQL,
 * and nothing that PostgreSQL has quoted.
 *
 * @module
 */

import type { Span } from "@opentelemetry/api";
import type { OperationContext } from "./operations/context.ts";
import type { ProgressEvent } from "./operations/progress.ts";

/** Where `@opentelemetry/api` keeps what was registered, whichever copy of it has done that. */
const REGISTERED = Symbol.for("opentelemetry.js.api.1");

/** What a run comes to, as far as a span tells. */
interface AnyResult {
  readonly success?: boolean;
  readonly batchNumber?: number | null;
  readonly results?: readonly { readonly error?: { readonly code: string } | null }[];
}

/**
 * Runs an operation within a span, where somebody takes spans.
 *
 * @param context What the operation works with.
 * @param name The operation.
 * @param work The operation itself; its events become spans.
 * @returns What it came to.
 */
export async function traced<Result extends AnyResult>(
  context: OperationContext,
  name: string,
  work: (context: OperationContext) => Promise<Result>,
): Promise<Result> {
  const registered = (globalThis as { [REGISTERED]?: { readonly trace?: unknown } })[REGISTERED];
  if (registered?.trace === undefined) return await work(context);
  const api = await import("@opentelemetry/api");
  const tracer = api.trace.getTracer("supamigrate", context.tenure.toolVersion);
  const fail = (span: Span, type: string) => {
    span.setStatus({ code: api.SpanStatusCode.ERROR });
    span.setAttribute("error.type", type);
  };
  const attributes = {
    "supamigrate.project": context.target.name,
    "supamigrate.project.kind": context.target.kind,
  };
  return await tracer.startActiveSpan(`supamigrate ${name}`, { attributes }, async (span) => {
    const parent = api.trace.setSpan(api.context.active(), span);
    let step: Span | undefined;
    const onProgress = (event: ProgressEvent) => {
      if (event.type === "started" || event.type === "finished") {
        if (event.type === "finished" && !event.success && step !== undefined) fail(step, "failed");
        step?.end();
        step = undefined;
      }
      if (event.type === "started" && event.step !== undefined) {
        const { number, total } = event.step;
        step = tracer.startSpan("supamigrate step", {
          attributes: {
            "supamigrate.migration": event.migrations[0]!,
            "supamigrate.step": number,
            "supamigrate.steps": total,
          },
        }, parent);
      } else if (event.type === "finished") {
        // Several may have been in one call: how long each took is the server's to say.
        const one = tracer.startSpan("supamigrate migration", {
          startTime: Date.now() - event.executionTimeMs,
          attributes: {
            "supamigrate.migration": event.migration,
            "supamigrate.action": event.action,
          },
        }, parent);
        if (!event.success) fail(one, "failed");
        one.end();
      }
      context.onProgress(event);
    };
    try {
      const result = await work({ ...context, onProgress });
      const { success, batchNumber, results } = result;
      if (typeof batchNumber === "number") span.setAttribute("supamigrate.batch", batchNumber);
      if (results !== undefined) span.setAttribute("supamigrate.migrations", results.length);
      const failure = results?.find(({ error }) => error)?.error;
      if (success === false) fail(span, failure?.code ?? "failed");
      return result;
    } catch (error) {
      fail(span, (error as Error).name);
      throw error;
    } finally {
      step?.end();
      span.end();
    }
  });
}
