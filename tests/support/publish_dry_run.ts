/**
 * Publishes to JSR, but for the upload: what is published, without links/, in a folder of its own.
 * Its packages of JSR are found by their names: with `--jsr` there, and else on a server here that
 * has the stand-ins of links/ under these names, as not every network reaches JSR.
 */

import { createHash } from "node:crypto";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import manifest from "../../deno.json" with { type: "json" };

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

/** JSON, or the bytes of a file. */
type Body = Readonly<Record<string, unknown>> | Uint8Array<ArrayBuffer>;

/** What JSR says of a package: its versions, and the files and entry points of each. */
async function describePackage(folder: string): Promise<[path: string, body: Body][]> {
  const { name, version, exports } = JSON.parse(
    await Deno.readTextFile(`${ROOT}${folder}/deno.json`),
  );
  const files: [string, Uint8Array<ArrayBuffer>][] = [];
  for await (const { name: file } of Deno.readDir(`${ROOT}${folder}`)) {
    files.push([`/${file}`, await Deno.readFile(`${ROOT}${folder}/${file}`)]);
  }
  const described = files.map(([path, bytes]) => {
    const hash = createHash("sha256").update(bytes).digest("hex");
    return [path, { size: bytes.length, checksum: `sha256-${hash}` }] as const;
  });
  const [scope, short] = name.slice(1).split("/");
  return [
    [`/${name}/meta.json`, { scope, name: short, latest: version, versions: { [version]: {} } }],
    [`/${name}/${version}_meta.json`, {
      manifest: Object.fromEntries(described),
      exports: typeof exports === "string" ? { ".": exports } : exports,
    }],
    ...files.map(([path, bytes]): [string, Body] => [`/${name}/${version}${path}`, bytes]),
  ];
}

/** A server that answers as JSR does for the packages of links/. */
async function serveStandIns(): Promise<Deno.HttpServer<Deno.NetAddr>> {
  const found = new Map((await Promise.all(manifest.links.map(describePackage))).flat());
  return Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, (request) => {
    const body = found.get(new URL(request.url).pathname);
    if (body === undefined) return new Response("", { status: 404 });
    return body instanceof Uint8Array
      ? new Response(body as Uint8Array<ArrayBuffer>, {
        headers: { "content-type": "application/typescript" },
      })
      : Response.json(body);
  });
}

/** Copies what is in git, or could be: what else lies here is published by nobody. */
async function copyFiles(folder: string): Promise<void> {
  const { stdout } = await new Deno.Command("git", {
    args: ["ls-files", "-z", "--cached", "--others", "--exclude-standard"],
    cwd: ROOT,
  }).output();
  for (const path of new TextDecoder().decode(stdout).split("\0")) {
    if (path === "" || path === "deno.lock" || path.startsWith("links/")) continue;
    if (!await Deno.stat(ROOT + path).then(({ isFile }) => isFile, () => false)) continue;
    await Deno.mkdir(dirname(join(folder, path)), { recursive: true });
    await Deno.copyFile(ROOT + path, join(folder, path));
  }
  const { links: _, ...config } = manifest;
  await Deno.writeTextFile(join(folder, "deno.json"), JSON.stringify(config, null, 2));
}

/** What npm has is there already; what the server here has is to be forgotten. */
async function makeCache(folder: string): Promise<void> {
  const { stdout } = await new Deno.Command(Deno.execPath(), { args: ["info", "--json"] }).output();
  const { npmCache } = JSON.parse(new TextDecoder().decode(stdout));
  await Deno.mkdir(npmCache, { recursive: true });
  await Deno.mkdir(folder);
  await Deno.symlink(npmCache, join(folder, "npm"));
}

const folder = await Deno.makeTempDir({ prefix: "supamigrate-publish-" });
const isOnJsr = Deno.args.includes("--jsr");
const server = isOnJsr ? undefined : await serveStandIns();
let code: number;
try {
  await copyFiles(join(folder, "package"));
  if (!isOnJsr) await makeCache(join(folder, "cache"));
  ({ code } = await new Deno.Command(Deno.execPath(), {
    args: ["publish", "--dry-run", "--allow-dirty", "--quiet", "--no-lock"],
    cwd: join(folder, "package"),
    env: server === undefined ? {} : {
      JSR_URL: `http://127.0.0.1:${server.addr.port}/`,
      DENO_DIR: join(folder, "cache"),
    },
  }).spawn().status);
} finally {
  await server?.shutdown();
  await Deno.remove(folder, { recursive: true });
}
Deno.exit(code);
