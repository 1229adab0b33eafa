import postgres from "postgres";

/** One direct connection to a database. */
export interface Session extends AsyncDisposable {
  readonly sql: Sql;
}

/**
 * Runs SQL, resolves to the rows of its last statement. With parameters it takes one statement;
 * a `jsonb` parameter takes a value, not JSON text.
 */
export type Sql = (
  text: string,
  params?: readonly unknown[],
) => Promise<Record<string, unknown>[]>;

/** Connects to the database at a `postgres://` address; what the server tells goes to `onNotice`. */
export async function openSession(
  url: string,
  onNotice: (message: string) => void = () => {},
): Promise<Session> {
  const client = postgres(url, { max: 1, onnotice: ({ message }) => onNotice(message ?? "") });
  const sql: Sql = async (text, params = []) => {
    const result = await client.unsafe(text, params as never[]);
    const last = Array.isArray(result[0]) ? result.at(-1) : result;
    return [...last as Iterable<Record<string, unknown>>];
  };
  await sql("select");
  return {
    sql: (text, params) => awaitLater(sql(text, params)),
    [Symbol.asyncDispose]: () => client.end({ timeout: 5 }),
  };
}

/** Leaves a failure to whoever awaits the result, however much later. */
export function awaitLater<Result>(result: Result): Result {
  if (result instanceof Promise) result.catch(() => {});
  return result;
}
