import assert from "node:assert/strict";
import { createRedactor, holdsKey, REDACTED } from "../../lib/redact.ts";
import { shorten } from "../../lib/shorten.ts";
import { Random } from "../support/random.ts";
import { projectRef, signJwt } from "../support/keys.ts";
import { findLeaks, formsOf, secretPartsOf } from "../support/leaks.ts";

const jwt = await signJwt({ role: "service_role", ref: projectRef }, "x".repeat(32));
const secretKey = "sb_secret_ThisIsNoRealKeyItIsForTests_AbCdEf12";
const accessToken = `sbp_${"0123456789abcdef".repeat(2)}01234567`;
const password = 'p@ss "wörd"/+\\%20!';
const databaseUrl = `postgresql://postgres:${encodeURIComponent(password)}@db.example.com/postgres`;

const keys = { "a JWT": jwt, "a secret key": secretKey, "an access token": accessToken };

for (const [what, key] of Object.entries(keys)) {
  Deno.test(`createRedactor() hides ${what} in every form, and what stands around it stays`, () => {
    const redact = createRedactor([key]);
    for (const [form, text] of Object.entries(formsOf(key))) {
      const shown = redact(`before <${text}> after`);
      assert.deepEqual(findLeaks(shown, key), [], form);
      assert.match(shown, /^before <.{0,4}\[hidden\].{0,8}> after$/, form);
    }
  });

  Deno.test(`createRedactor() hides each part of ${what} alone, in every form`, () => {
    const redact = createRedactor([key]);
    for (const part of secretPartsOf(key)) {
      for (const [form, text] of Object.entries(formsOf(part))) {
        assert.deepEqual(findLeaks(redact(`<${text}>`), key), [], form);
      }
    }
  });
}

Deno.test("createRedactor() hides a header for basic authentication, wherever the key stands in it", () => {
  const redact = createRedactor([jwt, secretKey]);
  for (const user of ["", "a", "ab", "abc", "somebody"]) {
    for (const key of [jwt, secretKey]) {
      const header = `Basic ${btoa(`${user}:${key}:and more`)}`;
      assert.deepEqual(findLeaks(redact(header), key), [], user);
    }
  }
});

Deno.test("createRedactor() hides base64 that is wrapped into lines, as PostgreSQL's encode() does", () => {
  const wrapped = btoa(`{"apikey": "${jwt}"}`).replace(/.{76}/g, "$&\n");
  const shown = createRedactor([jwt])(wrapped.replaceAll("\n", "\n          "));
  assert.deepEqual(findLeaks(shown, jwt), []);
});

Deno.test("createRedactor() hides the password of a database's URL, as it stands there and decoded", () => {
  const redact = createRedactor([databaseUrl]);
  for (const [form, text] of Object.entries(formsOf(password))) {
    assert(redact(`the ${text} is`).startsWith("the "), form);
    assert(redact(`the ${text} is`).includes(REDACTED), form);
  }
  assert.equal(redact(`open ${databaseUrl}!`), `open ${REDACTED}!`);
  assert.equal(redact("db.example.com refuses postgres"), "db.example.com refuses postgres");
});

Deno.test("createRedactor() leaves a password that is public: hiding it would hide the user's name", () => {
  const redact = createRedactor(["postgresql://postgres:postgres@127.0.0.1:54322/postgres"]);
  const message = 'password authentication failed for user "postgres"';
  assert.equal(redact(message), message);
});

Deno.test("createRedactor() hides a short secret where it stands alone, and leaves words that hold it", () => {
  const redact = createRedactor(["test", "abc"]);
  assert.equal(
    redact('the latest test of "test", 001_test.sql, abc'),
    `the latest ${REDACTED} of "${REDACTED}", 001_test.sql, abc`,
  );
});

Deno.test("createRedactor() is not misled by white space around a secret, nor by a percent sign", () => {
  assert.equal(createRedactor([`${secretKey}\n`])(`Bearer ${secretKey}`), `Bearer ${REDACTED}`);
  assert.equal(createRedactor(["postgresql://a:100%secret@h/d"])("100%secret"), REDACTED);
});

Deno.test("createRedactor() hides what has the shape of a key, also of one that it does not know, or a half", () => {
  const redact = createRedactor([]);
  for (const key of Object.values(keys)) {
    assert.equal(redact(`apikey: ${key}, and more`), `apikey: ${REDACTED}, and more`);
    const half = redact(`apikey: ${key.slice(0, 60)}`);
    assert.deepEqual(findLeaks(half, key), [], half);
  }
  // A JWT's header is the same for everyone.
  const header = jwt.split(".")[0]!;
  assert.equal(redact(`a header ${header}, no more`), `a header ${header}, no more`);
});

Deno.test("createRedactor() leaves ordinary text alone", () => {
  const redact = createRedactor([jwt, secretKey, accessToken, databaseUrl, undefined, ""]);
  for (
    const text of [
      "",
      "select * from secrets where key = 'sb_secret'",
      "eyJ is how JSON begins in base64",
      "deadbeef".repeat(20),
      "✅ 001_a.sql - not_executed (12ms)",
    ]
  ) assert.equal(redact(text), text);
});

Deno.test("createRedactor() takes time in proportion to the text, whatever it is", () => {
  const redact = createRedactor([jwt, secretKey, accessToken, databaseUrl, "x".repeat(200)]);
  const pieces = [
    "the quick brown fox ",
    "e",
    "x",
    " ",
    "\\",
    "%25",
    "eyJ",
    "eyJaaaaaaaaaaaa.",
    "sb_secret_",
    "sbp_a",
    jwt.slice(0, -3),
    `${secretKey.slice(0, -1)} `,
    btoa(jwt).slice(0, 40),
  ];
  for (const piece of pieces) {
    const text = piece.repeat(Math.ceil(1e6 / piece.length));
    const started = performance.now();
    redact(text);
    const took = performance.now() - started;
    assert(took < 3000, `${took} ms for a megabyte of ${JSON.stringify(piece)}`);
  }
});

Deno.test("holdsKey() knows keys and addresses with a password, and nothing else", () => {
  for (
    const text of [
      ...Object.values(keys),
      `--service-key=${jwt}`,
      `x${secretKey}`,
      jwt.split(".").slice(0, 2).join("."),
      databaseUrl,
      "--db=postgres://u:p@localhost/x",
    ]
  ) assert(holdsKey(text), text);
  for (
    const text of [
      "migrate",
      "--dir=migrations",
      "sb_publishable_abcdefghijk",
      "001_secret_keys.sql",
      "postgresql://localhost/postgres",
      "https://abcdefghijklmnopqrst.supabase.co",
      "sb_secret",
      "eyJ",
    ]
  ) assert(!holdsKey(text), text);
});

Deno.test("shorten() never leaves the first part of a word", () => {
  const random = new Random(7);
  for (let round = 0; round < 2000; round++) {
    const words = random.several(["a", "secret-key", "漢字", "it's", "\t"], 0, 8);
    const text = words.join(" ");
    const most = random.below(60);
    const short = shorten(text, most);
    if (text.length <= most) assert.equal(short, text);
    else {
      assert(short.endsWith("…") && short.length <= most + 1);
      const kept = short.slice(0, -1);
      assert(text.startsWith(kept));
      assert(kept === "" || /\s$/.test(kept), JSON.stringify([text, most, short]));
    }
  }
});
