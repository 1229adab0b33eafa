/** What happens between a client and PostgREST. */

import { setTimeout as delay } from "node:timers/promises";
import type { NetworkFault, Scene } from "./faults.ts";
import { type Exchange, page, type Reply } from "./http_proxy.ts";

export const networkFaults: Readonly<Record<string, NetworkFault>> = {
  "request dropped": network(({ fired }, exchange) => {
    fired();
    exchange.drop();
  }),

  "request forwarded, reply dropped": network(async ({ fired }, exchange) => {
    await exchange.forward();
    fired();
    exchange.drop();
  }),

  "request delayed": network(async ({ fired, random }, exchange) => {
    await delay(50 + random.below(1500));
    fired();
    await exchange.send(await exchange.forward());
  }),

  "reply delayed": network(async ({ fired, random }, exchange) => {
    const reply = await exchange.forward();
    await delay(50 + random.below(2500));
    fired();
    await exchange.send(reply);
  }),

  "request delivered late": network(async (scene, exchange) => {
    deliverLate(scene, exchange);
    scene.fired();
    if (scene.random.below(2) === 0) exchange.drop();
    else await exchange.send(page(504, "Gateway Time-out"));
  }),

  "request delivered late, and nothing else gets through": network((scene, exchange) => {
    deliverLate(scene, exchange);
    scene.fired();
    exchange.drop();
    scene.cutOff(1000 + scene.random.below(6000));
  }),

  "request delivered 2 to 5 times": network(async (scene, exchange) => {
    const { random } = scene;
    const copies: Promise<Reply>[] = [];
    const first = exchange.forward();
    for (let copy = 2 + random.below(4); copy > 1; copy--) {
      if (random.below(3) === 0) deliverLate(scene, exchange);
      else copies.push(delay(random.below(200)).then(() => exchange.forward()));
    }
    scene.fired();
    scene.beside(Promise.all(copies));
    await exchange.send(
      random.below(2) === 0 ? await first : (await Promise.all(copies))[0] ?? await first,
    );
  }),

  "reply truncated": network(async ({ fired, random }, exchange) => {
    const reply = await exchange.forward();
    fired();
    await exchange.sendPart(reply, 1 + random.below(exchange.size(reply) - 1), "close");
  }),

  "connection reset at byte k of the reply": network(async ({ fired, random }, exchange) => {
    const reply = await exchange.forward();
    fired();
    await exchange.sendPart(reply, random.below(exchange.size(reply)), "reset");
  }),

  "reply drips": network(async ({ fired, random }, exchange) => {
    const reply = await exchange.forward();
    fired();
    await exchange.drip(reply, 200 + random.below(2500));
  }),

  "429": answered(() => ({
    status: 429,
    headers: { "content-type": "application/json", "retry-after": "1" },
    body: new TextEncoder().encode('{"message":"Too many requests"}'),
  })),
  "502": answered(() => page(502, "Bad Gateway")),
  "503": answered(() => page(503, "Service Temporarily Unavailable")),
  "504": answered(() => page(504, "Gateway Time-out")),
  "520": answered(() => page(520, "Web server is returning an unknown error")),
  "HTML with 200": answered(() => page(200, "This project is being restored")),
  "empty answer": answered(({ random }) => ({
    status: random.pick([200, 204, 404]),
    headers: {},
    body: new Uint8Array(),
  })),
  "JSON of another service": answered(({ random }) => ({
    status: 200,
    headers: { "content-type": "application/json" },
    body: new TextEncoder().encode(random.pick(["[]", "{}", "null", '[{"result":null}]', "true"])),
  })),
  "redirect": answered(({ random, lane }) => ({
    status: random.pick([301, 302, 303, 307, 308]),
    headers: { location: `${lane.elsewhere.url}/rest/v1/rpc/exec_sql` },
    body: new Uint8Array(),
  })),

  "nothing gets through for a while": network((scene, exchange) => {
    scene.fired();
    exchange.drop();
    scene.cutOff(200 + scene.random.below(4000));
  }),
};

function network(
  handle: (scene: Scene, exchange: Exchange) => Promise<void> | void,
): NetworkFault {
  return { group: "network", handle: async (scene, exchange) => await handle(scene, exchange) };
}

/** Somebody else's answer: before the request was sent on, or in place of the real one. */
function answered(answer: (scene: Scene) => Reply): NetworkFault {
  return network(async (scene, exchange) => {
    const reply = answer(scene);
    const after = scene.random.below(3);
    if (after === 0) await exchange.forward();
    if (after === 1) scene.beside(exchange.forward());
    scene.fired();
    await exchange.send(reply);
  });
}

/** While the client still works, or when it has long ended. */
function deliverLate(scene: Scene, exchange: Exchange): void {
  const { random } = scene;
  if (random.below(2) === 0) scene.later(() => exchange.forward());
  else scene.beside(delay(20 + random.below(2500)).then(() => exchange.forward()));
}
