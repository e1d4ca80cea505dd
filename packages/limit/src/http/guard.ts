import type { Decision } from '../core/decision.ts';
import { type Awaitable, andThen } from '../limited/awaitable.ts';
import { type Counted, checkCount, createTaker, type Taken } from '../limited/taker.ts';
import type { TakingLimiter } from '../limiter-contract.ts';
import { clientAddress } from './client-address.ts';
import { clientKey } from './client-key.ts';
import { type RateLimitHeaders, rateLimitHeaders } from './headers.ts';

/** What every adapter can be told. `Args` is what the framework hands to a handler. What these functions throw is the framework's to answer. */
export interface GuardOptions<Args extends readonly unknown[]> {
  readonly limiter: TakingLimiter;
  /** Whom to charge; undefined charges nobody. Default: the client's address, IPv6 by its prefix. */
  readonly key?: (...args: Args) => Awaitable<string | undefined>;
  /**
   * Whose `X-Forwarded-For` is believed: addresses, networks (`10.0.0.0/8`) or `loopback`. Default: nobody's, or what the
   * framework itself is told to trust.
   */
  readonly trustedProxies?: readonly string[];
  /** Leading bits of an IPv6 address that count as one client. Default 64. */
  readonly ipv6Prefix?: number;
  /** An integer >= 1. Default 1. */
  readonly cost?: (...args: Args) => Awaitable<number>;
  /** True lets a request through without asking anybody. */
  readonly skip?: (...args: Args) => Awaitable<boolean>;
  /**
   * Which answers count. All are charged beforehand; what does not count is given back once its status is known: `failed` counts
   * those from 400 on, `successful` those below. A request that got no answer counts. Default `all`.
   */
  readonly count?: Counted;
  /** Also `X-RateLimit-Limit`, `-Remaining` and `-Reset` (seconds since 1970). Default false. */
  readonly legacyHeaders?: boolean;
  /** `pk` in the headers. Everybody on the way can read it. Default none. */
  readonly partitionKey?: (...args: Args) => string | undefined;
}

/** Where a framework keeps what a client's address is made of. */
export interface Peer<Args extends readonly unknown[]> {
  /** The peer of the connection. */
  address(...args: Args): string;
  forwardedFor(...args: Args): string | undefined;
  /** The client's address as the framework itself sees it, used without `trustedProxies`. Default: the peer's. */
  believed?(...args: Args): string;
}

/** A request that was judged. */
export interface Admission {
  readonly decision: Decision;
  readonly headers: RateLimitHeaders;
  /** To be called once the answer's status is known, or undefined if there was none. Absent when nobody has to know. */
  readonly answered?: (status: number | undefined) => void;
}

/** Undefined: this request is not limited. A promise only where something has to be waited for. */
export type Guard<Args extends readonly unknown[]> = (
  ...args: Args
) => Admission | undefined | Promise<Admission | undefined>;

/**
 * What all adapters share: whom to charge, how much, and what goes back after the answer.
 * @throws {ConfigurationError} when the options can not be met
 */
export function createGuard<Args extends readonly unknown[]>(
  options: GuardOptions<Args>,
  peer: Peer<Args>,
): Guard<Args> {
  const { limiter, count = 'all', legacyHeaders = false, partitionKey } = options;
  const { skip = () => false, key = addressKey(options, peer), cost = () => 1 } = options;
  checkCount(count);
  const take = createTaker(limiter);

  function admit(taken: Taken, pk: string | undefined): Admission {
    const headers = rateLimitHeaders(limiter.policies, taken.decision, { legacy: legacyHeaders, partitionKey: pk });
    if (count === 'all' && !taken.isHeld) return { decision: taken.decision, headers };
    let isTold = false;
    const answered = (status: number | undefined): void => {
      if (isTold) return;
      isTold = true;
      if (taken.isHeld || !counts(count, status)) taken.giveBack();
    };
    return { decision: taken.decision, headers, answered };
  }

  return (...args) =>
    andThen(skip(...args), (isSkipped) => {
      if (isSkipped) return undefined;
      return andThen(key(...args), (subject) => {
        if (subject === undefined) return undefined;
        const pk = partitionKey?.(...args);
        return andThen(cost(...args), (units) => andThen(take(subject, units), (taken) => admit(taken, pk)));
      });
    });
}

// Without an answer it is charged: otherwise whoever hangs up early would guess passwords for free.
const counts = (count: Counted, status: number | undefined): boolean =>
  count === 'all' || status === undefined || (count === 'failed' ? status >= 400 : status < 400);

function addressKey<Args extends readonly unknown[]>(
  { trustedProxies, ipv6Prefix }: GuardOptions<Args>,
  peer: Peer<Args>,
): (...args: Args) => string {
  const options = ipv6Prefix === undefined ? {} : { ipv6Prefix };
  // Refuses a wrong prefix now rather than with the first request.
  clientKey('::', options);
  if (trustedProxies === undefined) {
    return (...args) =>
      clientKey(peer.believed === undefined ? peer.address(...args) : peer.believed(...args), options);
  }
  const addressOf = clientAddress(trustedProxies);
  return (...args) => clientKey(addressOf(peer.address(...args), peer.forwardedFor(...args)), options);
}
