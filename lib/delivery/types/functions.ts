/** The types of functions: how PostgREST calls them, and what comes back. Pure. @module */

import type { Argument, DatabaseFunction, Relation } from "./facts.ts";
import { type Layout, print } from "./layout.ts";
import type { TypeNames } from "./names.ts";
import { compare, literal, property, tall, union, wide } from "./writing.ts";

/** What PostgREST takes as the one unnamed argument: the body of the request. */
const BODIES: ReadonlySet<string> = new Set(["json", "jsonb", "text"]);

/** A function that PostgREST can call, or says why not. */
export interface CallableFunction extends DatabaseFunction {
  /** What goes in, by name. */
  readonly inputs: readonly Argument[];
}

/** The types of the functions of one schema. */
export class FunctionTypes {
  readonly #names: TypeNames;
  readonly #toRow: (relation: Relation) => Layout;
  readonly #relations: ReadonlyMap<number, Relation>;
  /** By name, and then by arguments. */
  readonly functions: readonly CallableFunction[];

  /**
   * @param names The types of the database.
   * @param schema The schema.
   * @param functions Its functions.
   * @param relations Its relations.
   * @param toRow The type of a relation's rows.
   */
  constructor(
    names: TypeNames,
    readonly schema: string,
    functions: readonly DatabaseFunction[],
    relations: readonly Relation[],
    toRow: (relation: Relation) => Layout,
  ) {
    this.#names = names;
    this.#toRow = toRow;
    this.#relations = new Map(relations.map((relation) => [relation.id, relation]));
    this.functions = functions
      .map((given) => ({ ...given, inputs: findInputs(given) }))
      .filter(({ inputs }) => this.#isCallable(inputs))
      .sort((a, b) =>
        compare(a.name, b.name) ||
        compare(withoutPublic(a.arguments), withoutPublic(b.arguments)) ||
        compare(withoutPublic(a.result), withoutPublic(b.result))
      );
  }

  /** The functions that are fields of a relation's rows as well: of one unnamed row of it. */
  fieldsOf({ row_type }: Relation): CallableFunction[] {
    return this.functions.filter(({ args: [first, ...others] }) =>
      others.length === 0 && first !== undefined && first.mode === "i" && first.name === "" &&
      first.type === row_type && !first.has_default
    );
  }

  /** All of them, by name. */
  toProperties(): Layout[] {
    const byName = Map.groupBy(this.functions, ({ name }) => name);
    return [...byName].map(([name, overloads]) =>
      property(name, union(overloads.map((one) => this.#toSignature(one, overloads))))
    );
  }

  /** What a function returns, one of what it returns where that is a set. */
  toReturned(called: CallableFunction): Layout {
    const columns = called.args.filter(({ mode }) => mode === "t").sort(byName);
    if (columns.length > 0) {
      return tall(columns.map(({ name, type }) => property(name, this.#names.toType(type))));
    }
    const relation = this.#relations.get(this.#names.rowOf(called.returns)?.relation ?? 0);
    return relation === undefined ? this.#names.toType(called.returns) : this.#toRow(relation);
  }

  /** Whether what a function returns is a type with properties. */
  returnsObject(called: CallableFunction): boolean {
    return print(this.toReturned(called)).startsWith("{");
  }

  #isCallable(inputs: readonly Argument[]): boolean {
    const unnamed = inputs.filter(({ name }) => name === "");
    const isBody = ({ type }: Argument) => BODIES.has(this.#names.nameOf(type));
    if (unnamed.every((argument) => argument.has_default && isBody(argument))) return true;
    const [only, ...others] = inputs;
    return others.length === 0 && (isBody(only!) || this.#names.rowOf(only!.type) !== null);
  }

  #toSignature(called: CallableFunction, overloads: readonly CallableFunction[]): Layout {
    const { inputs, returns, is_set, rows, args } = called;
    const returned = this.#names.rowOf(returns);
    const isOne = !(is_set && rows > 1);
    // PostgREST makes one object of a set that is said to have one row, where it knows the relation.
    const suffix = is_set && !(isOne && returned !== null) ? "[]" : "";
    const mistake = this.#findConflict(called, overloads) ?? this.#findRowMistake(called);
    const result = mistake === null
      ? this.toReturned(called)
      : [wide([property("error", "true")]), " & ", literal(mistake)];
    const properties = [
      property(
        "Args",
        inputs.length === 0 ? "never" : wide(
          withoutNamesakes(inputs).map(({ name, type, has_default }) =>
            property(name, this.#names.toType(type), has_default)
          ),
        ),
      ),
      property("Returns", [result, suffix]),
    ];
    if (returned !== null) {
      const given = args.length === 1 ? this.#names.rowOf(args[0]!.type) : null;
      properties.push(property(
        "SetofOptions",
        tall([
          property("from", literal(given?.name ?? "*")),
          property("to", literal(returned.name)),
          property("isOneToOne", String(isOne)),
          property("isSetofReturn", String(is_set)),
        ]),
      ));
    }
    return wide(properties);
  }

  /** PostgREST cannot choose among functions that are called alike. */
  #findConflict(
    called: CallableFunction,
    overloads: readonly CallableFunction[],
  ): string | null {
    const { name, inputs: [first, ...others] } = called;
    const call = (given: string) => `${this.schema}.${name}(${given})`;
    const single = overloads.filter((other) => other !== called && other.inputs.length === 1);
    if (first === undefined) {
      const other = single.find(({ inputs: [only] }) => only!.name === "" && only!.has_default);
      return other === undefined
        ? null
        : explainConflict([call(""), call(` => ${this.#names.nameOf(other.returns)}`)]);
    }
    if (others.length > 0 || first.name === "") return null;
    const alike = single.map(({ inputs: [only] }) => only!)
      .filter((only) => only.name === first.name && only.type !== first.type);
    return alike.length === 0 ? null : explainConflict(
      [first, ...alike].sort((a, b) => a.type - b.type)
        .map(({ name, type }) => call(`${name} => ${this.#names.nameOf(type)}`)),
    );
  }

  /** A function of a row that returns no row is a field of it, and cannot be called. */
  #findRowMistake({ name, returns, inputs: [only, ...others] }: CallableFunction): string | null {
    const isField = only !== undefined && others.length === 0 && only.name === "" &&
      this.#names.rowOf(only.type) !== null && this.#names.rowOf(returns) === null;
    return isField
      ? `the function ${this.schema}.${name} with parameter or with a single unnamed json/jsonb ` +
        "parameter, but no matches were found in the schema cache"
      : null;
  }
}

function explainConflict(calls: readonly string[]): string {
  return `Could not choose the best candidate function between: ${calls.join(", ")}. ` +
    "Try renaming the parameters or the function itself in the database so function overloading " +
    "can be resolved";
}

function findInputs({ args }: DatabaseFunction): Argument[] {
  return args.filter(({ mode }) => mode === "i" || mode === "b" || mode === "v").sort(byName);
}

/** No two properties are called alike, which arguments without a name are. */
function withoutNamesakes(inputs: readonly Argument[]): Argument[] {
  return inputs.filter(({ name }, index) => name !== inputs[index - 1]?.name);
}

function byName(a: Argument, b: Argument): number {
  return compare(a.name, b.name);
}

function withoutPublic(text: string): string {
  return text.replaceAll(/\bpublic\./g, "");
}
