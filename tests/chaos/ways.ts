/** Which ways the clients of a round take. @module */

/**
 * The ways to a database that a round can be played on; `builds` is direct as well, with indexes
 * that are built concurrently in every file, and faults while that goes on. `batches` is the API, with a
 * statement in every file that is committed in ranges, and faults at these. `copies` is the API, with
 * files that take what others have made, and `backups` among the commands.
 */
export type Via = "api" | "direct" | "builds" | "batches" | "copies";

/** Whether the clients of a way go over the API. */
export function isOverApi(via: Via): boolean {
  return via === "api" || via === "batches" || via === "copies";
}
