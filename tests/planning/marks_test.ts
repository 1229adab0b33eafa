import assert from "node:assert/strict";

import { MigrationFileError } from "../../lib/errors.ts";
import { splitSections } from "../../lib/planning/sections.ts";

const UP = "create table a (id int);\n";
const DOWN = "drop table a;\n";

/** Each tool's marks, as its documentation has them, and as people write them. */
const understood: Record<string, readonly [up: string, down: string]> = {
  dbmate: ["-- migrate:up", "-- migrate:down"],
  "dbmate with options": ["-- migrate:up transaction:false", "--migrate:down transaction:false"],
  goose: ["-- +goose Up", "-- +goose Down"],
  "goose in lower case": ["--+goose up", "--+goose down"],
  "goose, with its statements marked": [
    "-- +goose Up\n-- +goose StatementBegin",
    "-- +goose StatementEnd\n-- +goose Down",
  ],
  "sql-migrate": ["-- +migrate Up", "-- +migrate Down"],
  "sql-migrate with options": ["-- +migrate Up notransaction", "-- +migrate Down notransaction"],
  micrate: ["-- +micrate Up", "-- +micrate Down"],
  rambler: ["-- rambler up", "-- rambler down"],
  tern: ["-- Write your migrate up statements here", "---- create above / drop below ----"],
  "node-pg-migrate": ["-- Up Migration", "-- Down Migration"],
  "node-pg-migrate, with words behind": ["-- UP MIGRATION", "--- Down migration (manual)"],
  "Play with hashes": ["# --- !Ups", "# --- !Downs"],
  "Play with dashes": ["-- !Ups", "-- !Downs"],
  "MyBatis": ["-- // First migration.", "-- //@UNDO"],
  "dbdeploy": ["-- about", "--//@UNDO"],
  aerich: ["-- upgrade --", "-- downgrade --"],
  Mojo: ["-- 1 up", "-- 1 down"],
  shmig: ["-- ==== UP ====", "-- ==== DOWN ===="],
  "plain words": ["-- Up", "-- Down"],
  "plain words and others": ["-- FORWARD MIGRATION", "-- UNDO"],
  "ours in comment blocks": ["/* FORWARD MIGRATION */", "/* ROLLBACK */"],
  "ours in comment blocks of several lines": [
    "/*\n * Forward migration\n */",
    "/**\n ROLLBACK\n**/",
  ],
  "a comment block alone": ["-- about", "  /* ======== ROLLBACK ======== */  "],
};

for (const [what, [up, down]] of Object.entries(understood)) {
  Deno.test(`splitSections() understands the marks of ${what}`, () => {
    const { forward, rollback } = splitSections(`${up}\n${UP}${down}\n${DOWN}`, "001_a.sql");
    assert.equal(forward.sql.includes(UP), true);
    assert.equal(forward.sql.includes(DOWN), false);
    assert.equal(rollback?.sql, DOWN);
    assert.equal(rollback?.line, `${up}\n${UP}${down}`.split("\n").length + 1);
  });
}

const withoutTransaction = [
  "-- migrate:up transaction:false",
  "-- +migrate Up notransaction",
  "-- +goose NO TRANSACTION\n-- +goose Up",
  "-- no-transaction",
  "--! no-transaction",
  "-- :disable-transaction",
  "-- postgres-migrations disable-transaction",
  "-- evolve-tx-off",
  "-- atlas:txmode none",
  "-- transactional: false",
  "---- tern: disable-tx ----",
];

for (const mark of withoutTransaction) {
  Deno.test(`splitSections() knows that "${mark}" asks for no transaction`, () => {
    assert.equal(splitSections(`${mark}\n${UP}`, "001_a.sql").forward.withoutTransaction, true);
    assert.equal("withoutTransaction" in splitSections(UP, "001_a.sql").forward, false);
  });
}

function refusalOf(text: string): MigrationFileError {
  let refusal: unknown;
  assert.throws(() => splitSections(text, "001_a.sql"), (error) => {
    refusal = error;
    return true;
  });
  assert(refusal instanceof MigrationFileError, String(refusal));
  return refusal;
}

const doubtful = [
  "-- ROLLBACK (if needed)",
  "-- Rollback script (OPTIONAL - for reference)",
  "-- 5. Rollback script",
  "-- Rollback: run this by hand",
  "-- ROLLBACK — only if something goes wrong",
  "-- ROLLBACK - manual",
  "-- To rollback this migration:",
  "-- To roll back, run:",
  "-- How to undo this",
  "-- Rolling back this change",
  "-- DOWN (remove the table)",
  "-- Down: remove the table",
  "-- Revert these changes",
  "-- Undo everything",
  "-- Reverse migration steps",
  "-- Downgrade",
  "-- Tear down",
  "-- Back out",
  "-- 🔄 ROLLBACK PLAN",
  "-- <<< ROLLBACK >>> (later)",
  "-- ROLLBACK INSTRUCTIONS:\n-- the table goes",
  "/* ROLLBACK (if needed) */",
  "/* Down */",
  "-- rollback for 001_a",
];

for (const mark of doubtful) {
  Deno.test(`splitSections() refuses SQL below "${mark}"`, () => {
    const text = `${UP}\n${mark}\n${DOWN}`;
    assert.deepEqual(
      { ...refusalOf(text).position },
      { file: "001_a.sql", line: 3, excerpt: mark.split("\n")[0] },
    );
    assert.equal(splitSections(`${UP}\n${mark}\n-- ${DOWN}`, "001_a.sql").rollback, null);
  });
}

const forwardAsItIs: Record<string, string> = {
  "a note of what would undo it": `-- Rollback:\n--   ${DOWN}\n${UP}`,
  "a note with prose":
    `${UP}-- Rollback notes:\n-- To rollback, drop it:\n-- ${DOWN}create table b ();\n`,
  "a note in one line": `${UP}-- ROLLBACK (manual): drop table a;\ncreate table b ();\n`,
  "a note in a comment block": `${UP}-- To rollback this migration:\n/*\n${DOWN}*/\nselect 1;\n`,
  "what the head says of the file": `-- ROLLBACK: restore the backup\n-- ====\n\n${UP}`,
  "a head of another migration's undoing": `-- Revert the migration 004\n${UP}${DOWN}`,
  "a function that rolls back": `${UP}-- Rollback function for bookings\nselect 1;\n`,
  "a table of down payments": `${UP}-- Down payments\ncreate table down_payments ();\n`,
  "a prefix with a hyphen": `${UP}-- Down-payment columns\n-- Roll-back-safe\nselect 1;\n`,
  "prose":
    `${UP}-- Rollback is not possible here\n-- revert policies\n-- undo the damage\nselect 1;\n`,
  "only one plain word": `${UP}-- Up\nselect 1;\n`,
  "Drizzle's breakpoints": `${UP}--> statement-breakpoint\nselect 1;\n`,
  "graphile-migrate's head": `--! Previous: -\n--! Hash: sha1:abc\n\n${UP}`,
  "a mark that was taken out": `${UP}/*\n-- ROLLBACK\n*/\n/* -- +goose Down */\nselect 1;\n`,
  "a mark in a body": `do $$\n-- +goose Down\n/* ROLLBACK */\n# --- !Downs\n$$;\n`,
};

for (const [what, text] of Object.entries(forwardAsItIs)) {
  Deno.test(`splitSections() leaves alone ${what}`, () => {
    const { forward, rollback } = splitSections(text, "001_a.sql");
    assert.deepEqual([forward.sql, rollback], [text, null]);
  });
}

Deno.test("splitSections() takes nothing for a banner behind another tool's mark for it", () => {
  const text = `-- +goose Up\n${UP}-- +goose Down\n-- Rollback\n${DOWN}`;
  assert.equal(splitSections(text, "001_a.sql").rollback?.sql, `-- Rollback\n${DOWN}`);
  const hidden = refusalOf(`-- +goose Up\n${UP}-- ROLLBACK\n${DOWN}-- +goose Down\nselect 1;\n`);
  assert.equal(hidden.position.line, 3);
});

Deno.test("splitSections() refuses the marks of several tools in one file", () => {
  const { message, position } = refusalOf(`-- migrate:up\n${UP}-- +goose Down\n${DOWN}`);
  assert.equal(
    message,
    'The mark "-- +goose Down" belongs to another migration tool than "-- migrate:up"',
  );
  assert.equal(position.line, 3);
});

Deno.test("splitSections() refuses a down part in front of an up part that are both doubtful", () => {
  refusalOf(`-- DOWN (by hand)\n${DOWN}-- UP (run this)\n${UP}`);
});

Deno.test("splitSections() refuses another tool's mark inside a statement", () => {
  assert.match(
    refusalOf("-- migrate:up\ncreate table a ()\n-- migrate:down\ndrop table a;").message,
    /"-- migrate:down" stands inside a statement/,
  );
});

Deno.test("splitSections() refuses several versions in one file", () => {
  assert.match(refusalOf(`-- 1 up\n${UP}-- 1 down\n${DOWN}-- 2 up\nselect 1;`).message, /twice/);
});

Deno.test("splitSections() refuses SQL below a banner that may as well begin a note", () => {
  const { position } = refusalOf(`${UP}-- Rollback:\n-- ${DOWN}\ncreate table b ();\n`);
  assert.equal(position.line, 2);
  const under = `${UP}-- ====\n-- Rollback:\n-- ====\n-- ${DOWN}${DOWN}`;
  assert.match(splitSections(under, "001_a.sql").rollback!.sql, /^drop/m);
});

Deno.test("splitSections() takes what undoes a Liquibase file out of its comments", () => {
  const text = "--liquibase formatted sql\n\n--changeset ada:1 splitStatements:false\n" +
    `--comment: the table\n${UP}--rollback drop table\n--rollback   a;\n`;
  const { forward, rollback } = splitSections(text, "001_a.sql");
  assert.equal(forward.sql, text);
  assert.deepEqual(rollback, { sql: "drop table\n  a;\n", line: 6 });
  const block =
    `--liquibase formatted sql\n--changeset ada:1\n${UP}/* liquibase rollback\n${DOWN}*/\n`;
  assert.deepEqual(splitSections(block, "001_a.sql").rollback, { sql: `\n${DOWN}\n`, line: 4 });
  const none = `--liquibase formatted sql\n--changeset ada:1\n${UP}--rollback not required\n`;
  assert.equal(splitSections(none, "001_a.sql").rollback, null);
  const alone = `--liquibase formatted sql\n--changeset ada:1 runInTransaction:false\n${UP}`;
  assert.equal(splitSections(alone, "001_a.sql").forward.withoutTransaction, true);
});

for (
  const lines of [
    `--changeset ada:1\n${UP}--changeset ada:2\nselect 1;`,
    `--changeset ada:1 context:test\n${UP}`,
    `--changeset ada:1 runAlways:true\n${UP}`,
    `--changeset ada:1 dbms:oracle\n${UP}`,
    `--changeset ada:1 endDelimiter:/\n${UP}`,
    `--changeset ada:1\n--preconditions onFail:MARK_RAN\n${UP}`,
    `--property name:a value:b\n--changeset ada:1\n${UP}`,
    `--changeset ada:2\n${UP}--rollback changesetId:1 changesetAuthor:ada\n`,
  ]
) {
  Deno.test(`splitSections() refuses of Liquibase ${JSON.stringify(lines)}`, () => {
    assert.match(refusalOf(`--liquibase formatted sql\n${lines}`).message, /^The Liquibase mark/);
  });
}

const refused: Record<string, RegExp> = {
  [`-- +goose ENVSUB ON\n-- +goose Up\n${UP}`]: /environment variables/,
  [`-- atlas:txtar\n\n-- checks.sql --\nselect true;\n`]: /Atlas/,
  [`-- atlas:delimiter \\n\\n\n${UP}`]: /Atlas/,
  [`--! include functions.sql\n${UP}`]: /another file/,
  [`-- Revert shop:users from pg\n\nbegin;\n${DOWN}commit;\n`]: /none to apply/,
  [`-- Verify shop:users on pg\nselect 1;\n`]: /none to apply/,
};

for (const [text, reason] of Object.entries(refused)) {
  Deno.test(`splitSections() refuses "${text.split("\n")[0]}"`, () => {
    assert.match(refusalOf(text).message, reason);
  });
}
