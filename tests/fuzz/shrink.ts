/** Makes an input that fails as small as it can be while it fails in the same way. @module */

import { checkInput, type Laboratory } from "./check.ts";
import type { Input } from "./inputs.ts";
import { Checks } from "./outcome.ts";
import { propertyOf } from "./run.ts";

/** How many smaller inputs are tried. */
const mostTries = 5000;

/**
 * Shrinks an input.
 *
 * @param input The input.
 * @param property The property that does not hold.
 * @param laboratory What it is tried with.
 */
export async function shrink(
  input: Input,
  property: string,
  laboratory: Laboratory,
): Promise<Input> {
  let tries = 0;
  const fails = async (candidate: Input): Promise<boolean> => {
    if (++tries > mostTries) return false;
    try {
      await checkInput(candidate, new Checks(), laboratory);
      return false;
    } catch (error) {
      return propertyOf(error) === property;
    }
  };

  let smallest = input;
  // What was built is taken apart as it was put together, or nothing more would be known of it.
  for (let smaller = true; smaller;) {
    smaller = false;
    for (const candidate of smallest.kind === "text" ? smallest.smaller?.() ?? [] : []) {
      if (!await fails(candidate)) continue;
      smallest = candidate;
      smaller = true;
      break;
    }
  }
  const { items, make } = partsOf(smallest);
  if (!await fails(make(items))) return smallest;
  return make(await withoutNeedless(items, (some) => fails(make(some))));
}

/** The parts of an input that can be left out one by one. */
function partsOf(input: Input): { items: unknown[]; make: (items: readonly unknown[]) => Input } {
  switch (input.kind) {
    case "text":
      return { items: [...input.text], make: (items) => ({ kind: "text", text: items.join("") }) };
    case "bytes":
      return {
        items: [...input.bytes],
        make: (items) => ({ kind: "bytes", bytes: Uint8Array.from(items as number[]) }),
      };
    case "names":
      return {
        items: [...input.names],
        make: (items) => ({ kind: "names", names: items as string[] }),
      };
  }
}

/** Leaves out halves, quarters and so on down to single items, as long as it goes on failing. */
async function withoutNeedless<Item>(
  items: readonly Item[],
  fails: (items: readonly Item[]) => Promise<boolean>,
): Promise<readonly Item[]> {
  let kept = items;
  for (let size = kept.length >> 1; size >= 1; size = size === 1 ? 0 : size >> 1) {
    for (let again = true; again;) {
      again = false;
      for (let at = 0; at < kept.length;) {
        const fewer = [...kept.slice(0, at), ...kept.slice(at + size)];
        if (await fails(fewer)) {
          kept = fewer;
          again = size === 1;
        } else {
          at += size;
        }
      }
    }
  }
  return kept;
}
