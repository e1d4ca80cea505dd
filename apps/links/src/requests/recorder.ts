import type { IncomingMessage } from 'node:http';
import type { ClientAddresses } from '../redirect/client-address.ts';
import { readHeaders } from '../redirect/read-headers.ts';
import type { AnsweredRequest } from './request.ts';
import { createSampler } from './sampler.ts';

/** The route of short links, as Fastify has that of their password forms. */
export const LINK_ROUTE = '/:code';

/** What is recorded of which requests. Nothing here waits or throws. */
export interface RequestRecorder {
  /** A redirect, or its refusal, after the answer: one in `sample` of them. */
  redirect(request: IncomingMessage, status: number, policy: string): void;
  /** Anything else: each, up to `perSecond`, beyond which one in `sample` stands for the rest of the second. */
  call(request: Omit<AnsweredRequest, 'atMs' | 'weight'>): void;
  /** Calls beyond `perSecond` so far. */
  readonly thinned: number;
}

export interface RecorderOptions {
  readonly publish: (request: AnsweredRequest) => void;
  readonly addresses: ClientAddresses;
  readonly sample: number;
  readonly perSecond: number;
  readonly random?: () => number;
  readonly nowMs?: () => number;
}

export function createRequestRecorder(options: RecorderOptions): RequestRecorder {
  const { publish, addresses, sample, perSecond, random = Math.random, nowMs = Date.now } = options;
  const redirects = createSampler(sample, random);
  const excess = createSampler(sample, random);
  let second = 0;
  let calls = 0;
  let thinned = 0;

  const weightAt = (atMs: number): number => {
    const now = Math.floor(atMs / 1_000);
    if (now !== second) {
      second = now;
      calls = 0;
    }
    calls += 1;
    if (calls <= perSecond) return 1;
    thinned += 1;
    return excess.due() ? excess.weight : 0;
  };

  const recordRedirect = (request: IncomingMessage, status: number, policy: string): void => {
    const { forwardedFor } = readHeaders(request.rawHeaders);
    publish({
      atMs: nowMs(),
      ip: addresses.ofConnection(request.socket, forwardedFor),
      key: '',
      method: request.method ?? 'GET',
      route: LINK_ROUTE,
      status,
      policy,
      cost: 1,
      weight: redirects.weight,
    });
  };

  return {
    redirect(request, status, policy) {
      if (redirects.due()) recordRedirect(request, status, policy);
    },
    call(request) {
      const atMs = nowMs();
      const weight = weightAt(atMs);
      if (weight > 0) publish({ ...request, atMs, weight });
    },
    get thinned() {
      return thinned;
    },
  };
}

/** With `REQUESTS_KEEP=off`. */
export const RECORDS_NOTHING: RequestRecorder = { redirect: () => undefined, call: () => undefined, thinned: 0 };
