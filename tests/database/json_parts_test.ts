import assert from "node:assert/strict";
import { digestJson, isLonger, toListParts, toParts } from "../../lib/database/parts.ts";

const TEXTS = ["", "a", '"\\\n\u0001', "ü€😀", "😀".repeat(20_000), `x${"😀".repeat(9000)}`];

const VALUES: readonly unknown[] = [
  {},
  { migrations: [], atomic: false, nothing: undefined, none: null },
  ...TEXTS,
  { list: TEXTS.map((text, index) => [index, text]), [TEXTS[2]!]: { deep: [[TEXTS[3]]] } },
  Array.from({ length: 5000 }, (_, index) => [index, `insert into "t" values (${index}, 'ü');`]),
];

Deno.test("the parts of a value are its JSON, and none is larger than was asked for", () => {
  for (const value of VALUES) {
    const json = JSON.stringify(value);
    for (const bytes of [200_000, 400_000]) {
      const parts = [...toParts(value, bytes)];
      assert.deepEqual(JSON.parse(parts.join("")), JSON.parse(json));
      for (const part of parts) {
        assert.ok(new TextEncoder().encode(JSON.stringify(part)).length <= bytes + 2);
        assert.ok(part.isWellFormed());
      }
    }
    if (json.length > 100) assert.equal(isLonger(value, json.length - 1), true);
    assert.equal(isLonger(value, 10 * json.length + 100), false);
  }
});

Deno.test("a list is cut between its items, and within one alone that is larger than a part", () => {
  const lists = [
    [],
    VALUES,
    Array.from({ length: 5000 }, (_, index) => [index, `insert into "t" values (${index}, 'ü');`]),
    [[1, "a"], [2, '"\n'.repeat(300_000)], [3, "b"], [4, "c".repeat(120_000)], [5, "d"]],
  ];
  for (const list of lists) {
    for (const bytes of [50_000, 200_000]) {
      const chunks: string[][] = [[]];
      for (const { content, isEnd } of toListParts(list, bytes)) {
        assert.ok(new TextEncoder().encode(JSON.stringify(content)).length <= bytes + 2);
        chunks.at(-1)!.push(content);
        if (isEnd) chunks.push([]);
      }
      assert.deepEqual(chunks.pop(), []);
      const items = chunks.flatMap((parts) => JSON.parse(parts.join("")));
      assert.deepEqual(items, JSON.parse(JSON.stringify(list)));
    }
  }
  const sizes = [...toListParts(lists[2]!, 50_000)].map(({ content }) => content.length);
  assert.ok(sizes.slice(0, -1).every((size) => size > 40_000), `${sizes}`);
});

Deno.test("a digest tells values apart", () => {
  const digests = new Set(VALUES.map(digestJson));
  assert.equal(digests.size, VALUES.length);
  assert.equal(digestJson({ a: 1, b: undefined }), digestJson({ a: 1 }));
});
