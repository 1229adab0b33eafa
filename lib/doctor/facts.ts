/** What `doctor` knows of a project: the shapes of what the files in `sql/doctor` return. @module */

import type { LedgerState } from "../database/state.ts";
import type { LedgerMode } from "../planning/ledger.ts";

/** The catalogs, as `sql/doctor/catalog.sql` reports them. Names are quoted where they need it. */
export interface CatalogFacts {
  readonly server: {
    readonly version: string;
    readonly version_number: number;
    readonly database: string;
    readonly started_at: string;
    readonly time_ms: number;
    readonly in_recovery: boolean;
  };
  readonly doors: readonly {
    readonly name: string;
    readonly owner: string;
    readonly granted_to: readonly string[];
    readonly callers: readonly string[];
    readonly members: readonly string[];
  }[];
  readonly creators: readonly { readonly schema: string; readonly role: string }[];
  readonly user_schema: { readonly schema: string; readonly owner: string } | null;
  readonly schema: { readonly owner: string; readonly owner_is_superuser: boolean } | null;
  readonly usual_owner: string | null;
  readonly relations: readonly {
    readonly name: string;
    readonly owner: string;
    readonly is_table: boolean;
    readonly is_logged: boolean;
    readonly forces_row_security: boolean;
    readonly columns: readonly string[];
  }[];
  readonly functions: readonly FunctionFacts[];
  readonly privileges: readonly {
    readonly kind: "schema" | "table" | "sequence" | "function";
    readonly object: string;
    readonly role: string;
    readonly privileges: readonly string[];
  }[];
  readonly default_privileges: readonly {
    readonly owner: string;
    readonly kind: string;
    readonly role: string;
  }[];
  readonly triggers: readonly {
    readonly table: string;
    readonly name: string;
    readonly function: string;
    readonly enabled: "always" | "origin" | "replica" | "never";
  }[];
  readonly rules: readonly { readonly table: string; readonly name: string }[];
  readonly event_triggers: readonly {
    readonly name: string;
    readonly owner: string;
    readonly function: string;
    readonly event: string;
    readonly expected: boolean;
  }[];
  readonly stored_settings: readonly {
    readonly role: string | null;
    readonly database: string | null;
    readonly name: string;
    readonly value: string;
  }[];
  readonly api_sessions: readonly {
    readonly pid: number;
    readonly application_name: string;
    readonly idle_in_transaction_ms: number | null;
    readonly advisory_locks: number;
  }[];
}

/** A function as it is in the database. */
export interface FunctionFacts {
  readonly name: string;
  readonly signature: string;
  readonly owner: string;
  readonly language: string;
  readonly security_definer: boolean;
  readonly volatility: string;
  readonly settings: readonly string[];
  readonly checksum: string;
}

/** The API's connection, as `sql/doctor/session.sql` reports it. */
export interface SessionFacts {
  readonly database: string;
  readonly started_at: string;
  readonly application_name: string;
  readonly transaction_timeout: string | null;
  readonly read_only_by_default: boolean;
  readonly supautils: {
    readonly is_configured: boolean;
    readonly is_loaded: boolean;
    /** Roles are named that get hints where they are refused something. */
    readonly hints: boolean;
    /** Its version knows how to restrict versions of extensions: 3.2.2 and later. */
    readonly restricts_versions: boolean;
  };
  readonly settings: readonly string[];
  readonly advisory_locks: number;
  readonly prepared_statements: number;
  readonly cursors: number;
  readonly channels: number;
}

/** The lock, as `sql/doctor/lock.sql` reports it. */
export interface LockFacts {
  readonly installations: number;
  readonly locks: readonly {
    readonly id: number;
    readonly is_locked: boolean;
    readonly holder: string | null;
    readonly locked_ms: number | null;
    readonly expired_ms: number | null;
    readonly lease_ms: number | null;
  }[];
}

/** The log, as `sql/doctor/log.sql` reports it. */
export interface LogFacts {
  readonly log: {
    readonly entries: number;
    readonly head: string | null;
    readonly broken_entry: number | null;
    readonly complete: boolean;
  } | null;
  readonly door_is_as_installed: boolean | null;
  /** The Supabase CLI's ledger. */
  readonly ledger: LedgerState;
  /** How many safety copies are older than 30 days. */
  readonly old_copies: number;
  /** The names of the migrations that are applied. */
  readonly applied: readonly string[];
  readonly differences: readonly {
    readonly name: string;
    readonly is_applied: boolean;
    readonly is_logged: boolean;
    readonly same_version: boolean;
  }[];
}

/** Why the API did not answer as it should, and what to do. */
export interface ApiProblem {
  readonly message: string;
  readonly hint: string;
  readonly code: string;
}

/** A function that runs SQL which it is given, from `sql/doctor/other_doors.sql`. */
export interface OtherDoor {
  readonly name: string;
  readonly owner: string;
  /** The role that its own setting makes it, or null. */
  readonly becomes: string | null;
  readonly callers: readonly string[];
}

/** Everything that is known. What could not be asked is null. */
export interface Facts {
  readonly api: {
    readonly problem: ApiProblem | null;
    readonly session: SessionFacts | null;
    /** Whether the API shows the tracking schema. */
    readonly showsSchema: boolean | null;
  } | null;
  readonly catalog: CatalogFacts;
  /** Functions that run SQL which they are given. */
  readonly otherDoors: readonly OtherDoor[];
  /** The version of the tracking schema. */
  readonly schemaVersion: number | null;
  readonly lock: LockFacts | null;
  readonly log: LogFacts | null;
  /** How far the server's clock is ahead of this machine's, in milliseconds. */
  readonly clockOffsetMs: number;
  /** What is said of the Supabase CLI's ledger. */
  readonly ledgerMode: LedgerMode | undefined;
  /** What this tool would install. */
  readonly shipped: Shipped;
}

/** What this tool installs, read from its own SQL. */
export interface Shipped {
  readonly schemaVersion: number;
  /** By name. */
  readonly functions: ReadonlyMap<string, ShippedFunction>;
  /** Tables by name, with the definitions of their columns by name. */
  readonly tables: ReadonlyMap<string, ReadonlyMap<string, string>>;
}

/** A function as `sql/` has it. */
export interface ShippedFunction {
  readonly language: string;
  readonly securityDefiner: boolean;
  readonly volatility: string;
  readonly settings: readonly string[];
  readonly checksum: string;
}
