import { runOnEmbedded } from "../support/projects.ts";
import "./subjects.ts";

await runOnEmbedded();
