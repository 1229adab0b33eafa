/**
 * Writes `docs/json`: a JSON Schema (2020-12) of what each command writes with `--json`, from the types of
 * `lib/output/json_documents.ts`. With `--check` it writes nothing and fails where a file is not what it
 * would write.
 *
 * @module
 */

import ts from "typescript";
import { fileURLToPath } from "node:url";

const SOURCE = fileURLToPath(new URL("../lib/output/json_documents.ts", import.meta.url));
const FOLDER = new URL("json/", import.meta.url);

/** A JSON Schema, or a part of one. */
type Schema = Record<string, unknown>;

/** Writes types as schemas; what has a name and is used is written once. */
class SchemaWriter {
  readonly #checker: ts.TypeChecker;
  readonly definitions = new Map<string, Schema>();
  readonly #names = new Map<ts.Type, string>();

  constructor(checker: ts.TypeChecker) {
    this.#checker = checker;
  }

  /** The schema of a type; `where` is for messages. */
  write(type: ts.Type, where: string): Schema {
    const { flags } = type;
    if (flags & (ts.TypeFlags.Unknown | ts.TypeFlags.Any)) return {};
    if (flags & ts.TypeFlags.Null) return { type: "null" };
    if (type.isUnion()) return this.#writeUnion(type, where);
    if (type.isStringLiteral() || type.isNumberLiteral()) return { const: type.value };
    if (flags & ts.TypeFlags.BooleanLiteral) {
      return { const: this.#checker.typeToString(type) === "true" };
    }
    if (flags & ts.TypeFlags.StringLike) return { type: "string" };
    if (flags & ts.TypeFlags.NumberLike) return { type: "number" };
    if (flags & ts.TypeFlags.BooleanLike) return { type: "boolean" };
    if (this.#checker.isTupleType(type)) {
      const items = this.#checker.getTypeArguments(type as ts.TypeReference);
      return {
        type: "array",
        prefixItems: items.map((item) => this.write(item, `${where}[]`)),
        items: false,
        minItems: items.length,
      };
    }
    if (this.#checker.isArrayType(type)) {
      const [item] = this.#checker.getTypeArguments(type as ts.TypeReference);
      return { type: "array", items: this.write(item!, `${where}[]`) };
    }
    if (flags & (ts.TypeFlags.Object | ts.TypeFlags.Intersection)) {
      return this.#writeNamed(type, where);
    }
    throw new Error(`${where} is ${this.#checker.typeToString(type)}, which JSON does not know`);
  }

  #writeUnion({ types }: ts.UnionType, where: string): Schema {
    const members = types.filter(({ flags }) => !(flags & ts.TypeFlags.Undefined));
    const literals: ts.Type[] = members.filter((one) =>
      one.isStringLiteral() || one.isNumberLiteral()
    );
    const booleans = members.filter(({ flags }) => flags & ts.TypeFlags.BooleanLiteral);
    const schemas = members
      .filter((one) => !literals.includes(one) && !booleans.includes(one))
      .map((one) => this.write(one, where));
    if (literals.length > 0) {
      schemas.unshift({ enum: literals.map((one) => (one as ts.LiteralType).value) });
    }
    if (booleans.length === 2) schemas.unshift({ type: "boolean" });
    else schemas.unshift(...booleans.map((one) => this.write(one, where)));
    if (schemas.length === 1) return schemas[0]!;
    schemas.sort((a, b) => Number(a.type === "null") - Number(b.type === "null"));
    // What is simple is said in one word: { type: ["string", "null"] }.
    if (schemas.every((one) => Object.keys(one).join() === "type")) {
      return { type: schemas.flatMap(({ type }) => type) };
    }
    return { anyOf: schemas };
  }

  #writeNamed(type: ts.Type, where: string): Schema {
    const symbol = type.aliasSymbol ?? type.symbol;
    const declared = symbol?.declarations?.[0];
    const isNamed = declared !== undefined && type.aliasTypeArguments === undefined &&
      (ts.isInterfaceDeclaration(declared) || ts.isTypeAliasDeclaration(declared)) &&
      !declared.getSourceFile().isDeclarationFile;
    if (!isNamed) return this.#writeObject(type, where);
    let name = this.#names.get(type);
    if (name === undefined) {
      name = symbol!.name;
      if (this.definitions.has(name)) {
        throw new Error(`Two types are called ${name}, the second at ${where}`);
      }
      this.#names.set(type, name);
      this.definitions.set(name, {}); // it may hold itself
      this.definitions.set(name, {
        ...describe(symbol!.getDocumentationComment(this.#checker)),
        ...this.#writeObject(type, where),
      });
    }
    return { $ref: `#/$defs/${name}` };
  }

  #writeObject(type: ts.Type, where: string): Schema {
    const index = this.#checker.getIndexTypeOfType(type, ts.IndexKind.String);
    const properties: Record<string, Schema> = {};
    const required: string[] = [];
    for (const property of this.#checker.getPropertiesOfType(type)) {
      const { name } = property;
      const own = this.#checker.getTypeOfSymbol(property);
      if (own.getCallSignatures().length > 0) {
        throw new Error(`${where}.${name} is a function`);
      }
      const isOptional = (property.flags & ts.SymbolFlags.Optional) !== 0 ||
        own.isUnion() && own.types.some(({ flags }) => flags & ts.TypeFlags.Undefined);
      properties[name] = {
        ...describe(property.getDocumentationComment(this.#checker)),
        ...this.write(own, `${where}.${name}`),
      };
      if (!isOptional) required.push(name);
    }
    return {
      type: "object",
      ...(Object.keys(properties).length === 0 ? {} : { properties }),
      ...(required.length === 0 ? {} : { required }),
      additionalProperties: index === undefined ? false : this.write(index, `${where}[key]`),
    };
  }
}

function describe(comment: ts.SymbolDisplayPart[]): Schema {
  const text = comment.filter(({ text }) => text !== "").map(({ text }) => text).join("")
    .replace(/\s+/g, " ").trim();
  return text === "" ? {} : { description: text };
}

const DIALECT = "https://json-schema.org/draft/2020-12/schema";

/** The files by name. */
function makeSchemas(): Map<string, Schema> {
  const program = ts.createProgram([SOURCE], {
    target: ts.ScriptTarget.ES2024,
    module: ts.ModuleKind.ESNext,
    moduleResolution: ts.ModuleResolutionKind.Bundler,
    lib: ["lib.esnext.d.ts", "lib.dom.d.ts"],
    allowImportingTsExtensions: true,
    strict: true,
    exactOptionalPropertyTypes: true,
    noEmit: true,
    types: [],
  });
  const checker = program.getTypeChecker();
  const source = program.getSourceFile(SOURCE)!;
  const exported = new Map(
    checker.getExportsOfModule(checker.getSymbolAtLocation(source)!)
      .map((symbol) => [symbol.name, symbol]),
  );
  const make = (title: string, file: string, type: ts.Type, comment: ts.SymbolDisplayPart[]) => {
    const writer = new SchemaWriter(checker);
    const schema = writer.write(type, title);
    const definitions = Object.fromEntries(
      [...writer.definitions].sort(([a], [b]) => a < b ? -1 : 1),
    );
    return {
      $schema: DIALECT,
      $id: file,
      title,
      ...describe(comment),
      ...schema,
      ...(writer.definitions.size === 0 ? {} : { $defs: definitions }),
    };
  };
  const errors = exported.get("ErrorDocument")!;
  const files = new Map<string, Schema>([[
    "error.json",
    make(
      "What a command that has failed writes",
      "error.json",
      checker.getDeclaredTypeOfSymbol(errors),
      errors.getDocumentationComment(checker),
    ),
  ]]);
  const documents = checker.getDeclaredTypeOfSymbol(exported.get("JsonDocuments")!);
  for (const document of checker.getPropertiesOfType(documents)) {
    const file = `${document.name}.json`;
    files.set(
      file,
      make(
        `supamigrate ${document.name} --json`,
        file,
        checker.getTypeOfSymbol(document),
        document.getDocumentationComment(checker),
      ),
    );
  }
  return files;
}

if (import.meta.main) {
  const wanted = new Map(
    [...makeSchemas()].map(([name, schema]) => [name, `${JSON.stringify(schema, null, 2)}\n`]),
  );
  if (Deno.args.includes("--check")) {
    const stale: string[] = [];
    for (const [name, text] of wanted) {
      const found = await Deno.readTextFile(new URL(name, FOLDER)).catch(() => undefined);
      if (found !== text) stale.push(name);
    }
    for await (const { name } of Deno.readDir(FOLDER)) if (!wanted.has(name)) stale.push(name);
    if (stale.length > 0) {
      console.error(
        `docs/json is not what its types say: ${stale.join(", ")}. Run deno task docs:json`,
      );
      Deno.exit(1);
    }
  } else {
    await Deno.mkdir(FOLDER, { recursive: true });
    for (const [name, text] of wanted) await Deno.writeTextFile(new URL(name, FOLDER), text);
  }
}
