/** Calls of the protocol: right ones with hostile values, and ones that are wrong in one place. */

import type { STATEMENTS } from "../../../lib/database/channel.ts";
import type { Random } from "../../support/random.ts";
import { Hostile } from "./hostile.ts";
import type { Tracking } from "./tracking.ts";

/** A call of one of supamigrate's functions. */
export interface FuzzCall {
  readonly name: Exclude<keyof typeof STATEMENTS, "hasHistory">;
  /** What the function is given: meant to be an object, whatever it is. */
  readonly params: unknown;
}

type Json = Record<string, unknown>;

/** Makes one call after another from a seed and from where the database stands. */
export class CallMaker {
  readonly #random: Random;
  readonly #hostile: Hostile;
  readonly #names: string[];
  readonly #operations: string[] = [];
  readonly #tokens: string[] = [];
  /** The values that a statement writes to `extensions.fuzz_values`, by the statement. */
  readonly valuesOf = new Map<string, string>();

  constructor(random: Random) {
    this.#random = random;
    this.#hostile = new Hostile(random);
    this.#names = Array.from({ length: 6 }, (_, number) => this.#name(number));
  }

  /** A call for a database that stands where `tracking` says. */
  next(tracking: Tracking): FuzzCall {
    const right = this.#rightCall(tracking);
    const kind = this.#random.below(100);
    if (kind < 55) return right;
    if (kind < 60) return { ...right, params: this.#hostile.value() };
    for (let wrong = 0; wrong <= this.#random.below(2); wrong++) this.#spoil(right.params as Json);
    return right;
  }

  #rightCall(tracking: Tracking): FuzzCall {
    const { is_locked, generation, sequence } = tracking.lock;
    const kind = this.#random.below(100);
    if (kind < 6) return { name: "state", params: this.#stateCall() };
    if (kind < 10) return { name: "readLog", params: { most: this.#random.pick([0, 1, 3, 50]) } };
    if (kind < 14) return { name: "unlock", params: { generation, ...this.#identity() } };
    if (kind < (is_locked ? 20 : 85)) {
      return {
        name: "acquire",
        params: {
          ...this.#identity(),
          token: this.#token(is_locked),
          process_id: this.#hostile.text(),
          lease_ms: this.#random.pick([600_000, 600_000, 2_147_483_647, 1]),
          generation,
          sequence,
        },
      };
    }
    const common = {
      ...this.#identity(),
      token: this.#tokens.at(-1) ?? this.#uuid(),
      operation: this.#operation(),
      generation: this.#hostile.chance(4) ? generation - 1 : generation,
      sequence: this.#hostile.chance(8) ? sequence - 1 : sequence,
    };
    if (kind < 28) return { name: "settle", params: common };
    return { name: "perform", params: { ...common, ...this.#action() } };
  }

  #action(): Json {
    const kind = this.#random.below(100);
    if (kind < 40) {
      return {
        action: "apply",
        atomic: this.#random.below(2) === 0,
        migrations: Array.from({ length: 1 + this.#random.below(3) }, () => this.#migration()),
        ...(this.#hostile.chance(15) ? { refresh: this.#refreshed() } : {}),
      };
    }
    if (kind < 58) {
      return {
        action: "revert",
        migration: { ...this.#migration(), source: this.#hostile.text() },
      };
    }
    if (kind < 66) return { action: "refresh", refresh: this.#refreshed() };
    if (kind < 78) {
      const migrations = this.#random.several(this.#names, 1, 3).map((name) => this.#record(name));
      return { action: "baseline", migrations };
    }
    if (kind < 92) {
      return {
        action: "repair",
        mark: this.#random.pick(["applied", "pending"]),
        migration: this.#record(this.#random.pick(this.#names)),
      };
    }
    if (kind < 93) return { action: "drop" };
    if (kind < 96) return { action: this.#hostile.text() };
    return { action: "release" };
  }

  #migration(): Json {
    const statements = () =>
      Array.from({ length: this.#random.below(4) }, (_, index) => [index + 1, this.#statement()]);
    return {
      ...this.#record(this.#random.pick(this.#names)),
      reason: this.#hostile.text(),
      statements: statements(),
      ...(this.#hostile.chance(15) ? { undo: statements() } : {}),
    };
  }

  #record(name: string): Json {
    const checksum = this.#hostile.chance(70) ? "a1".repeat(32) : this.#hostile.text();
    const rollback_sql = this.#hostile.chance(20) ? null : this.#hostile.text();
    return { name, checksum, batch: 1 + this.#random.below(5), rollback_sql };
  }

  #refreshed(): Json[] {
    return this.#random.several(this.#names, 1, 3)
      .map((name) => ({ name, rollback_sql: this.#hostile.text() }));
  }

  #stateCall(): Json {
    const files = this.#random.several([...this.#names, this.#hostile.text()], 0, 4)
      .map((name) => [name, this.#hostile.text()]);
    return this.#hostile.chance(70) ? { files: Object.fromEntries(files) } : {};
  }

  /** SQL that a migration may hold. What is in it as SQL trips nothing. */
  #statement(): string {
    const identifier = () => `"${this.#hostile.text().replaceAll('"', '""').slice(0, 200)}"`;
    const literal = () => quote(this.#hostile.text(), this.#random.below(3));
    switch (this.#random.below(24)) {
      case 0:
        return `select 1 / 0`;
      case 1:
        return `do ${
          dollarQuote(
            `begin raise exception using message = ${literal()}, ` +
              `detail = ${literal()}, hint = ${literal()}, errcode = '${this.#sqlState()}'; end`,
          )
        }`;
      case 2:
        return `create table public.${identifier()} (id int, constraint ${identifier()} ` +
          `unique (id) deferrable initially deferred)`;
      case 3:
        return `create function public.${identifier()}() returns text language sql as ` +
          dollarQuote(`select ${literal()}`);
      case 4:
        return `create type public.${identifier()} as enum ('a')`;
      case 5:
        return `create temp table ${identifier()} (id int)`;
      case 6:
        return `prepare ${identifier()} as select 1`;
      case 7:
        return `declare ${identifier()} cursor with hold for select 1`;
      case 8:
        return `listen ${identifier()}`;
      case 9:
        return `set ${this.#random.pick(["application_name", "app.secret"])} = ${literal()}`;
      case 10:
        return this.#random.pick([
          "set search_path = ''",
          "set search_path = public, pg_catalog",
          "reset all",
          "set row_security = off",
          "set lock_timeout = 1",
          "set session characteristics as transaction read only",
          "set role anon",
          "select pg_advisory_lock(1)",
          "drop schema supamigrate cascade",
          "drop function public.exec_sql(text, jsonb)",
          "grant execute on all functions in schema public to anon",
          "set constraints all immediate",
          "lock table extensions.fuzz_values",
        ]);
      case 11:
        return this.#hostile.harmlessText();
      default: {
        const value = this.#hostile.text();
        const sql = `insert into extensions.fuzz_values (value) values (${
          quote(value, this.#random.below(3))
        })`;
        this.valuesOf.set(sql, value);
        return sql;
      }
    }
  }

  #sqlState(): string {
    return this.#random.pick([
      ...["P0001", "P0004", "40001", "40P01", "57014", "XX000", "SM001", "SM002", "SM003", "55P03"],
      ...["22012", "23505", "42501", "25006", "53200", "08006", "PT500", "ZZZZZ"],
    ]);
  }

  #identity(): Json {
    return { holder: this.#hostile.text(), tool_version: this.#hostile.text() };
  }

  #name(number: number): string {
    const name = this.#hostile.text();
    return number < 4 ? [...name].slice(0, 255).join("") : name;
  }

  #token(held: boolean): string {
    if (held && this.#hostile.chance(30)) return this.#tokens.at(-1) ?? this.#uuid();
    const token = this.#uuid();
    // The lock is somebody else's where it is held.
    if (!held) this.#tokens.push(token);
    return token;
  }

  #operation(): string {
    if (this.#operations.length > 0 && this.#hostile.chance(8)) {
      return this.#random.pick(this.#operations);
    }
    const operation = this.#uuid();
    this.#operations.push(operation);
    return operation;
  }

  #uuid(): string {
    const digits = Array.from({ length: 32 }, () => this.#random.below(16).toString(16)).join("");
    return digits.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
  }

  /** Makes one thing wrong, somewhere in a call. */
  #spoil(params: Json): void {
    const places = listPlaces(params);
    if (places.length === 0) return;
    const { holder, key, isSql } = this.#random.pick(places);
    const value = () => isSql ? this.#harmlessValue() : this.#hostile.value();
    switch (this.#random.below(5)) {
      case 0:
        delete holder[key];
        break;
      case 1:
        holder[this.#hostile.text().slice(0, 20)] = holder[key];
        delete holder[key];
        break;
      case 2:
        holder[key] = [holder[key]];
        break;
      default:
        holder[key] = value();
    }
  }

  #harmlessValue(): unknown {
    const { pick } = { pick: this.#random.pick.bind(this.#random) };
    return pick([null, true, {}, [], [[]], [null], [1], this.#hostile.harmlessText(), 7]);
  }
}

/** Every member of an object or array, at any depth. */
function listPlaces(
  holder: Json,
  isSql = false,
): { holder: Json; key: string; isSql: boolean }[] {
  return Object.entries(holder).flatMap(([key, value]) => {
    const within = isSql || key === "statements" || key === "undo";
    // Numbers as text are frozen objects.
    const deeper = typeof value === "object" && !Object.isFrozen(value)
      ? listPlaces(value as Json, within)
      : [];
    return [{ holder, key, isSql: within }, ...deeper];
  });
}

function quote(value: string, style: number): string {
  const doubled = value.replaceAll("'", "''");
  if (style === 0) return `'${doubled}'`;
  if (style === 1) return `E'${doubled.replaceAll("\\", "\\\\")}'`;
  return dollarQuote(value);
}

/** In a tag that the text has not, not even together with a `$` at its end. */
function dollarQuote(text: string): string {
  for (let number = 0;; number++) {
    const tag = `$quoted${number}$`;
    if (!`${text}$`.includes(tag) && !text.endsWith("$quoted" + number)) return tag + text + tag;
  }
}
