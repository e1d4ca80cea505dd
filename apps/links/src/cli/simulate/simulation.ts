import { strategyOf } from '@spillway/limit';
import { type BusiestMinute, createBusiestMinute } from './busiest-minute.ts';
import { addRequest, type Demand, firstRequest, isPast, smallestLimit } from './demand.ts';
import { createLimitedClients, type LimitedClient } from './limited-clients.ts';
import type { NamedPolicy } from './policies.ts';
import { createSample } from './sample.ts';
import { hashOf } from './subject.ts';
import { createTimeline, type TimelineSpan } from './timeline.ts';

/** Requests against several policies, each by itself, in the time of the requests. */
export interface Simulation {
  /** @throws {TooManyClientsError} */
  request(subject: string, atMs: number): void;
  /** Clients whose states are kept now. */
  clientsKept(): number;
  result(options: { readonly worst: number }): SimulationResult;
}

export interface SimulationResult {
  readonly requests: number;
  readonly clients: number;
  /** False when there were so many clients that their number is an estimate. */
  readonly isClientsExact: boolean;
  readonly firstMs: number;
  readonly lastMs: number;
  readonly busiestMinute: BusiestMinute | undefined;
  readonly policies: readonly PolicyResult[];
  readonly timeline: { readonly spanMs: number; readonly spans: readonly (TimelineSpan & { readonly atMs: number })[] };
  readonly suggestion: Suggestion | undefined;
}

export interface PolicyResult extends NamedPolicy {
  readonly limited: number;
  readonly clientsLimited: number;
  readonly isClientsLimitedExact: boolean;
  readonly longestWaitMs: number;
  /** The minute with the most refusals. */
  readonly worstMinute: BusiestMinute | undefined;
  readonly worstClients: readonly LimitedClient[];
  readonly isWorstExact: boolean;
}

export interface Suggestion {
  readonly percent: number;
  /** The smallest limit a minute, with a burst as large. Infinity: none would do. */
  readonly perMinute: number;
  readonly clientsLimited: number;
  /** The smallest one that would have limited nobody. */
  readonly nobodyPerMinute: number;
}

export class TooManyClientsError extends Error {
  override readonly name = 'TooManyClientsError';
}

export interface SimulationOptions {
  /** Looks for a limit that limits at most so many percent of the clients. */
  readonly suggestPercent?: number;
  /** States are kept for so many clients at once. Default: what fits into 800 MB, 2.2 million with one policy. */
  readonly mostClients?: number;
  /** So many clients are told apart; beyond, their number is estimated. */
  readonly mostCounted?: number;
}

type Steps = ReturnType<typeof strategyOf>;
type State = Parameters<Steps['expiresAtUs']>[1];

/** As little as can be: there are millions of them. */
interface Client {
  readonly states: (State | undefined)[];
  demand: Demand | undefined;
}

/** States are kept for this long after they expire, for requests of earlier times that are still to come. */
const GRACE_MS = 300_000;
const MEMORY = 800e6;
// Measured, with the search for a limit; each policy has a state more.
const CLIENT_BYTES = 300;
const STATE_BYTES = 64;
const FIRST_SWEEP = 10_000;
const MOST_LIMITED = 50_000;
const MOST_SPANS = 240;

export function createSimulation(named: readonly NamedPolicy[], options: SimulationOptions = {}): Simulation {
  const {
    suggestPercent,
    mostClients = Math.floor(MEMORY / (CLIENT_BYTES + STATE_BYTES * named.length)),
    mostCounted = 1_000_000,
  } = options;
  /** Their demand a minute. */
  const seen = createSample<number>(mostCounted);
  const timeline = createTimeline(named.length, MOST_SPANS);
  const busiest = createBusiestMinute();
  const runs = named.map((each) => createRun(each, mostCounted));
  const clients = new Map<string, Client>();
  let sweepAt = FIRST_SWEEP;
  let requests = 0;
  let firstMs = Infinity;
  let lastMs = -Infinity;

  const sweep = () => {
    const beforeMs = lastMs - GRACE_MS;
    const isOver = (client: Client) => {
      if (client.demand !== undefined && isPast(client.demand, beforeMs)) client.demand = undefined;
      for (const [at, state] of client.states.entries()) {
        if (state !== undefined && (runs[at]?.expiresAtMs(state) ?? 0) <= beforeMs) client.states[at] = undefined;
      }
      return client.demand === undefined && client.states.every((state) => state === undefined);
    };
    for (const [subject, client] of clients) if (isOver(client)) clients.delete(subject);
    sweepAt = Math.max(FIRST_SWEEP, clients.size * 2);
    // Not at the very edge: a sweep that frees next to nothing would soon be needed for every request.
    if (clients.size < mostClients * 0.9) return;
    throw new TooManyClientsError(
      `More than ${mostClients} clients are within their limits' windows at the same time; simulate policies with shorter windows, or a part of the log`,
    );
  };
  const clientOf = (subject: string): Client => {
    const known = clients.get(subject);
    if (known !== undefined) return known;
    if (clients.size >= Math.min(sweepAt, mostClients)) sweep();
    const hash = hashOf(subject);
    if (seen.get(hash) === undefined) seen.set(hash, 1);
    const client: Client = { states: new Array<State | undefined>(named.length).fill(undefined), demand: undefined };
    clients.set(subject, client);
    return client;
  };
  const addDemand = (client: Client, subject: string, atMs: number) => {
    const { demand } = client;
    if (demand === undefined) {
      const hash = hashOf(subject);
      if (seen.takes(hash)) client.demand = firstRequest(atMs, seen.get(hash));
      return;
    }
    const before = demand.perMinute;
    addRequest(demand, atMs);
    if (demand.perMinute > before) seen.set(hashOf(subject), demand.perMinute);
  };

  return {
    request(subject, atMs) {
      requests += 1;
      firstMs = Math.min(firstMs, atMs);
      lastMs = Math.max(lastMs, atMs);
      busiest.add(atMs);
      const span = timeline.add(atMs);
      const client = clientOf(subject);
      if (suggestPercent !== undefined) addDemand(client, subject, atMs);
      for (const [at, run] of runs.entries()) {
        if (run.isRefused(client, at, subject, atMs)) span.limited[at] = (span.limited[at] ?? 0) + 1;
      }
    },
    clientsKept: () => clients.size,
    result: ({ worst }) => ({
      requests,
      clients: seen.count(),
      isClientsExact: seen.isExact(),
      firstMs,
      lastMs,
      busiestMinute: busiest.found(),
      policies: runs.map((run) => run.result(worst)),
      timeline: { spanMs: timeline.spanMs(), spans: timeline.spans() },
      suggestion: suggestPercent === undefined ? undefined : suggestionOf([...seen.values()], suggestPercent),
    }),
  };
}

/** One policy's way through the requests. */
function createRun(named: NamedPolicy, mostCounted: number) {
  const { policy } = named;
  const steps: Steps = strategyOf(policy);
  const limitedSeen = createSample<true>(mostCounted);
  const worst = createLimitedClients(MOST_LIMITED);
  const worstMinute = createBusiestMinute();
  let limited = 0;
  let longestWaitMs = 0;
  return {
    expiresAtMs: (state: State) => steps.expiresAtUs(policy, state) / 1000,
    isRefused(client: Client, at: number, subject: string, atMs: number): boolean {
      const { verdict, state } = steps.take(policy, client.states[at], atMs * 1000, 1);
      client.states[at] = state;
      if (verdict.outcome === 'allowed') return false;
      const waitMs = verdict.reason === 'exhausted' ? verdict.retryAfterUs / 1000 : 0;
      limited += 1;
      longestWaitMs = Math.max(longestWaitMs, waitMs);
      limitedSeen.set(hashOf(subject), true);
      worst.add(subject, atMs, waitMs);
      worstMinute.add(atMs);
      return true;
    },
    result: (count: number): PolicyResult => ({
      ...named,
      limited,
      clientsLimited: limitedSeen.count(),
      isClientsLimitedExact: limitedSeen.isExact(),
      longestWaitMs,
      worstMinute: worstMinute.found(),
      worstClients: worst.worst(count),
      isWorstExact: worst.isExact(),
    }),
  };
}

function suggestionOf(demands: readonly number[], percent: number): Suggestion {
  return { percent, ...smallestLimit(demands, percent), nobodyPerMinute: smallestLimit(demands, 0).perMinute };
}
