/** The types that make those of one table, enum and so on easy to name. Pure. @module */

/** A helper: its name, what its parameters are called, where it looks, and what it takes from there. */
interface Helper {
  readonly name: string;
  readonly given: string;
  readonly member: string;
  readonly sections: readonly string[];
  readonly part?: string;
}

const GIVEN_TABLE = "DefaultSchemaTableNameOrOptions";

const HELPERS: readonly Helper[] = [
  {
    name: "Tables",
    given: GIVEN_TABLE,
    member: "TableName",
    sections: ["Tables", "Views"],
    part: "Row",
  },
  {
    name: "TablesInsert",
    given: GIVEN_TABLE,
    member: "TableName",
    sections: ["Tables"],
    part: "Insert",
  },
  {
    name: "TablesUpdate",
    given: GIVEN_TABLE,
    member: "TableName",
    sections: ["Tables"],
    part: "Update",
  },
  {
    name: "Enums",
    given: "DefaultSchemaEnumNameOrOptions",
    member: "EnumName",
    sections: ["Enums"],
  },
  {
    name: "CompositeTypes",
    given: "PublicCompositeTypeNameOrOptions",
    member: "CompositeTypeName",
    sections: ["CompositeTypes"],
  },
];

/**
 * Writes the helpers.
 *
 * @param defaultSchema The schema of names that are given alone.
 * @returns Declarations, to be separated by empty lines.
 */
export function formatHelpers(defaultSchema: string): string[] {
  return [
    'type DatabaseWithoutInternals = Omit<Database, "__InternalSupabase">',
    `type DefaultSchema = DatabaseWithoutInternals[Extract<keyof Database, ${
      JSON.stringify(defaultSchema)
    }>]`,
    ...HELPERS.map(formatHelper),
  ];
}

function formatHelper(helper: Helper): string {
  const { name, given, member } = helper;
  const anySchema = "schema: keyof DatabaseWithoutInternals";
  const named = `DatabaseWithoutInternals[${given}["schema"]]`;
  return `export type ${name}<
  ${given} extends
    | keyof ${among("DefaultSchema", helper, " ")}
    | { ${anySchema} },
  ${member} extends ${given} extends {
    ${anySchema}
  }
    ? keyof ${among(named, helper, "\n        ")}
    : never = never,
> = ${given} extends {
  ${anySchema}
}
  ? ${take(`${among(named, helper, "\n      ")}[${member}]`, helper, 4)}
  : ${given} extends keyof ${among("DefaultSchema", helper, "\n        ")}
    ? ${take(`${among("DefaultSchema", helper, "\n        ")}[${given}]`, helper, 6)}
    : never`;
}

/** The sections of a schema in which names are looked up. */
function among(schema: string, { sections }: Helper, separator: string): string {
  const parts = sections.map((section) => `${schema}["${section}"]`);
  return parts.length === 1 ? parts[0]! : `(${parts.join(` &${separator}`)})`;
}

/** A part of what was found; all of it where it has no parts. */
function take(found: string, { part }: Helper, indent: number): string {
  if (part === undefined) return found;
  const [outer, letter] = [" ".repeat(indent), part[0]];
  return `${found} extends {
${outer}  ${part}: infer ${letter}
${outer}}
${outer}? ${letter}
${outer}: never`;
}
