/** What settings say of what happens around a run. @module */

/** What happens around a run. */
export interface AroundSettings {
  /** A command line that is run before a run. */
  readonly before?: string;
  /** A command line that is run after a run. */
  readonly after?: string;
  /** A file that gets a line of JSON for each run, or `stderr`. */
  readonly log?: string;
  /** What is asked after a run whether the application is well. */
  readonly check?: string;
}
