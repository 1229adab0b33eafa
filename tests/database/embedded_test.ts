import { runOnEmbedded } from "../support/projects.ts";
import "./installation_subjects.ts";
import "./shadow_subjects.ts";
import "./subjects.ts";

await runOnEmbedded();
