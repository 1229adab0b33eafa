import assert from "node:assert/strict";

import { sha256 } from "../../lib/planning/checksum.ts";
import { splitSections } from "../../lib/planning/sections.ts";

Deno.test("sha256() gives the known digests", () => {
  const digests = {
    "": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "abc": "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
    "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq":
      "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
    // sha256sum of the UTF-8 of these
    "-- é 😀\n": "28a10be61b48abc890d9731cabdcf5de4122537b1e2ae8dd2b4ba32da6e53860",
  };
  for (const [text, digest] of Object.entries(digests)) assert.equal(sha256(text), digest);
});

Deno.test("The checksum of a file without banners is what sha256sum prints", () => {
  const { forward } = splitSections("create table a ();\n", "001_a.sql");
  assert.equal(
    sha256(forward.sql),
    "0da5e58d9b90392b520cf69917d7c9db95c2141c2f1761342fdfadc499455ee4",
  );
});

Deno.test("Line ends and a byte-order mark do not change the checksum", () => {
  const file = "-- FORWARD MIGRATION\ncreate table a (\n  b text\n);\n-- ROLLBACK\ndrop table a;\n";
  const checksum = (text: string) => sha256(splitSections(text, "001_a.sql").forward.sql);
  const expected = checksum(file);
  for (
    const text of [
      file.replaceAll("\n", "\r\n"),
      file.replaceAll("\n", "\r"),
      `\uFEFF${file}`,
      `\uFEFF${file.replaceAll("\n", "\r\n")}`,
      file.replace(/\n$/, ""),
      file.replace("drop table a;", "drop table if exists a cascade;"),
      file.replace("-- ROLLBACK", "-- =====\n-- rollback\n-- ====="),
    ]
  ) assert.equal(checksum(text), expected, JSON.stringify(text));
  assert.notEqual(checksum(file.replace("text", "TEXT")), expected);
});
