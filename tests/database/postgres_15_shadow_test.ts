import { runOnServer } from "../support/projects.ts";
import "./shadow_subjects.ts";

await runOnServer(15);
