/** The GitHub workflow that `init --workflow` writes: the example, as it stands. @module */

import deploy from "../../examples/deploy.yml" with { type: "text" };

/** The workflow's text. */
export const WORKFLOW_TEXT: string = deploy;
