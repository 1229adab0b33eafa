/**
 * What pg-delta calls the things of a schema: a fact is an object or a part of one, a delta what
 * differs between two sets of facts.
 *
 * @module
 */

export {
  buildFactBase,
  type Delta,
  diff,
  encodeId,
  type Fact,
  type FactBase,
  parseId,
  type StableId,
} from "@supabase/pg-delta/core";
