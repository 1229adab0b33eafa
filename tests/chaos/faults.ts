/** Everything that can go wrong, by name. What each did in a round is counted only if it fired. */

import type { Random } from "../support/random.ts";
import type { ClientProcess } from "./client.ts";
import type { Exchange } from "./http_proxy.ts";
import type { Lane } from "./lane.ts";
import { databaseConnectionFaults } from "./faults_of_connections.ts";
import { clientFaults } from "./faults_of_clients.ts";
import { networkFaults } from "./faults_of_networks.ts";
import { serverFaults } from "./faults_of_servers.ts";

/** Where a fault strikes. */
export interface Scene {
  readonly lane: Lane;
  readonly client: ClientProcess;
  /** How long the client's lock lasts. */
  readonly leaseMs: number;
  /** The fault's own choices, the same in every replay. */
  readonly random: Random;
  /** Work that goes on beside the client; the round waits for its end. */
  beside(work: Promise<unknown>): void;
  /** Something that is to happen when the client has long ended. */
  later(work: () => Promise<unknown>): void;
  /** From now on, for so long, nothing gets through. */
  cutOff(milliseconds: number): void;
  /** Has another run migrate, without faults. */
  migrateMeanwhile(): Promise<void>;
  /** Has somebody else cancel what runs; returns whether something did. */
  cancelRun(): Promise<boolean>;
  /** Counts the fault. */
  fired(): void;
}

/** The moments of a request at which something can happen to its client or to the servers. */
export const MOMENTS = [
  "before it is sent on",
  "while it is worked on",
  "after it is answered",
  "in the middle of its answer",
  "after its answer has arrived",
] as const;

export type Moment = typeof MOMENTS[number];

/** Stands in for what usually becomes of a request. */
export interface NetworkFault {
  readonly group: "network";
  readonly handle: (scene: Scene, exchange: Exchange) => Promise<void>;
}

/** Happens beside a request, or at any time. */
export interface Incident {
  readonly group: "database connection" | "client" | "server";
  /** When it makes sense; at any moment, unless told otherwise. */
  readonly moments?: readonly Moment[];
  readonly happen: (scene: Scene) => Promise<void>;
}

export const FAULTS: Readonly<Record<string, NetworkFault | Incident>> = {
  ...networkFaults,
  ...databaseConnectionFaults,
  ...clientFaults,
  ...serverFaults,
};
