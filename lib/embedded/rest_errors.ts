/**
 * The error answers of PostgREST.
 *
 * @see https://docs.postgrest.org/en/stable/references/errors.html
 * @module
 */

/** An answer other than success. `code`, `details`, `hint` and `message` are its body. */
export class RestError extends Error {
  readonly status: number;
  readonly code: string;
  readonly details: string | null;
  readonly hint: string | null;

  constructor(
    status: number,
    body: {
      readonly code: string;
      readonly message: string;
      readonly details?: string | null;
      readonly hint?: string | null;
    },
  ) {
    super(body.message);
    this.name = "RestError";
    this.status = status;
    this.code = body.code;
    this.details = body.details ?? null;
    this.hint = body.hint ?? null;
  }
}

/**
 * Turns the error of a statement into PostgREST's answer.
 *
 * @param error What the statement threw.
 * @param anonymous Whether the request came with no key, or with that of `anon`.
 * @returns The answer, or nothing where the error is not PostgreSQL's.
 */
export function restErrorOf(
  error: unknown,
  anonymous: boolean,
): RestError | undefined {
  if (error instanceof RestError) return error;
  if (!(error instanceof Error) || !("code" in error)) return undefined;
  const { code, detail, hint } = error as {
    code?: unknown;
    detail?: unknown;
    hint?: unknown;
  };
  if (typeof code !== "string" || !/^[0-9A-Z]{5}$/.test(code)) return undefined;
  return new RestError(statusOf(code, error.message, anonymous), {
    code,
    message: error.message,
    details: typeof detail === "string" ? detail : null,
    hint: typeof hint === "string" ? hint : null,
  });
}

/** PostgREST's HTTP statuses, whole SQLSTATEs before their classes. */
const STATUS_OF_STATE: Readonly<Record<string, number>> = {
  "23503": 409, // foreign_key_violation
  "23505": 409, // unique_violation
  "25006": 405, // read_only_sql_transaction
  "42883": 404, // undefined_function
  "42P01": 404, // undefined_table
  "42P17": 500, // invalid_object_definition: infinite recursion
  "53400": 500, // configuration_limit_exceeded
  "57P01": 503, // admin_shutdown
  "P0001": 400, // raise_exception
};

const STATUS_OF_CLASS: Readonly<Record<string, number>> = {
  "08": 503, // connection exception
  "09": 500, // triggered action exception
  "0L": 403, // invalid grantor
  "0P": 403, // invalid role specification
  "25": 500, // invalid transaction state
  "28": 403, // invalid authorization specification
  "2D": 500, // invalid transaction termination
  "38": 500, // external routine exception
  "39": 500, // external routine invocation exception
  "3B": 500, // savepoint exception
  "40": 500, // transaction rollback
  "53": 503, // insufficient resources
  "54": 500, // program limit exceeded
  "55": 500, // object not in prerequisite state
  "57": 500, // operator intervention
  "58": 500, // system error
  "F0": 500, // configuration file error
  "HV": 500, // foreign data wrapper error
  "P0": 500, // PL/pgSQL error
  "XX": 500, // internal error
};

function statusOf(code: string, message: string, anonymous: boolean): number {
  switch (code) {
    case "42501": // insufficient_privilege
      return anonymous ? 401 : 403;
    case "21000": // cardinality_violation, or safeupdate's refusal
      return message.endsWith("requires a WHERE clause") ? 400 : 500;
    case "22023": // invalid_parameter_value, or a token with an unknown role
      return /^role .* does not exist$/.test(message) ? 401 : 400;
  }
  const chosen = /^PT(\d{3})$/.exec(code)?.[1];
  if (chosen !== undefined && isHttpStatus(Number(chosen))) {
    return Number(chosen);
  }
  if (code.startsWith("PT")) return 500;
  return STATUS_OF_STATE[code] ?? STATUS_OF_CLASS[code.slice(0, 2)] ?? 400;
}

/** Whether a `Response` can carry it: those below 200 are no final answers. */
function isHttpStatus(status: number): boolean {
  return status >= 200 && status <= 599;
}
