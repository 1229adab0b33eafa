/** What a new migration file looks like. @module */

/** The comment by which a file is known that nobody has written anything into. */
export const TEMPLATE_COMMENT = "-- Add your migration SQL here";
