import { runOnServer } from "../support/projects.ts";
import "./subjects.ts";

await runOnServer(15);
