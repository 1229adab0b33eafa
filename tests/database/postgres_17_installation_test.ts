import { runOnServer } from "../support/projects.ts";
import "./installation_subjects.ts";

await runOnServer(17);
