/** All rules. @module */

import type { Rule } from "./rule.ts";
import { CHANGE_RULES } from "./rules/changes.ts";
import { DESTRUCTIVE_RULES } from "./rules/destructive.ts";
import { FUNCTION_RULES } from "./rules/functions.ts";
import { GRANT_RULES } from "./rules/grants.ts";
import { LOCK_RULES } from "./rules/locks.ts";
import { MANAGED_RULES } from "./rules/managed.ts";
import { POLICY_RULES } from "./rules/policies.ts";
import { PRESENCE_RULES } from "./rules/presence.ts";
import { RLS_RULES } from "./rules/rls.ts";
import { TABLE_RULES } from "./rules/tables.ts";
import { TEXT_RULES } from "./rules/texts.ts";
import { VIEW_RULES } from "./rules/views.ts";

/** The rules by family. */
export const RULE_FAMILIES: readonly (readonly [title: string, rules: readonly Rule[]])[] = [
  ["Grants", GRANT_RULES],
  ["Row level security", RLS_RULES],
  ["Policies", POLICY_RULES],
  ["Views", VIEW_RULES],
  ["Functions and triggers", FUNCTION_RULES],
  ["What is Supabase's own", MANAGED_RULES],
  ["Data that would be lost", DESTRUCTIVE_RULES],
  ["Locks", LOCK_RULES],
  ["Tables, keys and types", TABLE_RULES],
  ["Renames and enums", CHANGE_RULES],
  ["Names and environments", TEXT_RULES],
  ["What is there already", PRESENCE_RULES],
];

/** All rules. */
export const RULES: readonly Rule[] = RULE_FAMILIES.flatMap(([, rules]) => rules);
