import assert from "node:assert/strict";
import { choosePaint, findStyle } from "../../lib/output/paint.ts";

Deno.test("colours follow --no-color, FORCE_COLOR and NO_COLOR, in this order", () => {
  assert.equal(choosePaint({}), "auto");
  assert.equal(choosePaint({ NO_COLOR: "1" }), false);
  assert.equal(choosePaint({ NO_COLOR: "" }), "auto");
  assert.equal(choosePaint({ TERM: "dumb" }), false);
  assert.equal(choosePaint({ FORCE_COLOR: "1", TERM: "dumb" }), true);
  assert.equal(choosePaint({ FORCE_COLOR: "1", NO_COLOR: "1" }), true);
  assert.equal(choosePaint({ FORCE_COLOR: "0" }), false);
  assert.equal(choosePaint({ FORCE_COLOR: "" }), "auto");
  assert.equal(choosePaint({ FORCE_COLOR: "1" }, false), false);
});

/** What terminals show for the colours, dark and light ones. */
const PALETTES = {
  xterm: { red: 0xcd0000, magenta: 0xcd00cd },
  "VS Code": { red: 0xcd3131, magenta: 0xbc3fbc },
  Terminal: { red: 0xc23621, magenta: 0xd338d3 },
  Tango: { red: 0xcc0000, magenta: 0x75507b },
};

function luminance(color: number): number {
  const [red, green, blue] = [color >> 16, color >> 8 & 255, color & 255].map((part) => {
    const value = part / 255;
    return value <= 0.03928 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red! + 0.7152 * green! + 0.0722 * blue!;
}

Deno.test("what is painted can be read on white and on black", () => {
  for (const mark of ["❌", "⚠️", "💡"]) {
    const style = findStyle(`  ${mark}  says something`);
    if (style === "bold") continue; // in the terminal's own colour
    for (const [name, palette] of Object.entries(PALETTES)) {
      const seen = luminance(palette[style!]);
      assert(1.05 / (seen + 0.05) >= 3, `${style} of ${name} on white`);
      assert((seen + 0.05) / 0.05 >= 3, `${style} of ${name} on black`);
    }
  }
  assert.equal(findStyle("✅ Migration completed successfully!"), undefined);
});
