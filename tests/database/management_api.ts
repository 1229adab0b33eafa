import { createServer } from "node:http";
import { json } from "node:stream/consumers";
import type { ServerProject } from "../support/projects.ts";

/** A stand-in of Supabase's Management API. */
export interface ManagementApi extends AsyncDisposable {
  readonly url: string;
  /** The token that it takes. */
  readonly accessToken: string;
  /** The paths that were asked for. */
  readonly paths: string[];
  /** What the next requests are answered in place of being worked on. */
  readonly answers: [status: number, message: string][];
  /** The next query like this is worked on, and its answer is lost. */
  lost: RegExp | undefined;
}

/**
 * Answers `POST /v1/projects/{ref}/database/query` as Supabase's does: runs the query as
 * `postgres`, in one transaction, and answers 201 with the rows of the last statement.
 */
export async function startManagementApi(project: ServerProject): Promise<ManagementApi> {
  const accessToken = "sbp_0123456789abcdef0123456789abcdef01234567";
  const paths: string[] = [];
  const answers: [number, string][] = [];
  const database = await project.connect();
  const server = createServer(async (request, response) => {
    paths.push(`${request.method} ${request.url}`);
    const answer = (status: number, body: unknown) => {
      response.writeHead(status, { "content-type": "application/json", connection: "close" });
      response.end(JSON.stringify(body));
    };
    const { query } = await json(request) as { query: string };
    if (request.headers.authorization !== `Bearer ${accessToken}`) {
      return answer(401, { message: "Unauthorized" });
    }
    const [status, said] = answers.shift() ?? [];
    if (status !== undefined) return answer(status, { message: said });
    try {
      const rows = await database.sql(query);
      if (!api.lost?.test(decodeLiterals(query))) return answer(201, rows);
      api.lost = undefined;
      response.destroy();
    } catch (error) {
      const { code, message, detail, hint } = error as Record<string, string | undefined>;
      const lines = [
        `ERROR:  ${code}: ${message}`,
        ...(detail ? [`DETAIL:  ${detail}`] : []),
        ...(hint ? [`HINT:  ${hint}`] : []),
      ];
      answer(400, { message: `Failed to run sql query: ${lines.join("\n")}\n` });
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  const api: ManagementApi = {
    url: `http://127.0.0.1:${port}`,
    accessToken,
    paths,
    answers,
    lost: undefined,
    async [Symbol.asyncDispose]() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
      await database[Symbol.asyncDispose]();
    },
  };
  return api;
}

/** A query with its values as they are. */
function decodeLiterals(query: string): string {
  return query.replace(/'([\w+/]{8,}=*)', 'base64'/g, (_, base64) => atob(base64));
}
