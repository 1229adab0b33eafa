/** What `create` does and prints. @module */

import { ConfigurationError } from "../errors.ts";
import type { CreateResult } from "../operations/create.ts";
import type { Report, Run } from "./actions.ts";
import { line } from "./neutral.ts";
import type { JsonDocuments } from "./json_documents.ts";

/** What `create` does. */
export async function create(
  { migrator, reporter }: Run,
  name: string,
  description?: string,
): Promise<Report<JsonDocuments["create"]>> {
  // cliffy takes a mistyped option for the argument.
  if (name.startsWith("-")) throw new ConfigurationError(`Unknown option "${name}"`);
  reporter.say(line`📝 Creating new migration: ${name}\n`);
  const result = await migrator.create(name, description === undefined ? {} : { description });
  return { result, text: formatCreate(result) };
}

/** The file that `create` made. */
function formatCreate({ name, path, rollbackPath }: CreateResult): string {
  return [
    "✅ Migration file created!",
    line`📄 File: ${name}`,
    line`📍 Path: ${path}`,
    ...(rollbackPath === null ? [] : [line`🔄 Rollback: ${rollbackPath}`]),
    "",
    "💡 Edit the file to add your migration SQL",
    ...(rollbackPath === null
      ? []
      : ["💡 What undoes it goes into the other one: the Supabase CLI would run it with the rest"]),
  ].join("\n");
}
