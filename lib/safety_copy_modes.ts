/** Whether rows are kept before they are destroyed. @module */

/** As long as their tables are not too large, in any case, or not at all. */
export const SAFETY_COPY_MODES = ["auto", "always", "never"] as const;

/** One of {@linkcode SAFETY_COPY_MODES}. */
export type SafetyCopyMode = typeof SAFETY_COPY_MODES[number];
