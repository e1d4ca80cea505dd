import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Cache, Look } from '@spillway/cache';
import { clientKey } from '@spillway/limit';
import type { Visit } from '../clicks/click.ts';
import { ipv4Number } from '../clicks/ipv4.ts';
import { readReplayTime } from '../clicks/replay-time.ts';
import type { Limits } from '../limits/limits.ts';
import { isReserved } from '../links/alias.ts';
import type { Domains } from '../links/domains.ts';
import { isCode, type LinkAddress } from '../links/link.ts';
import type { LinkStore } from '../links/link-store.ts';
import type { Logger } from '../log.ts';
import type { RequestRecorder } from '../requests/recorder.ts';
import { type CachedLink, toCachedLink } from './cached-link.ts';
import type { ClientAddresses } from './client-address.ts';
import { createEndings, type Exchange } from './endings.ts';
import { createMissGuard } from './miss-guard.ts';
import type { DecidedIn, RedirectCounts } from './outcomes.ts';
import { hasRightHost, type RedirectHeaders, readHeaders } from './read-headers.ts';
import { createRedirectHeaders } from './redirect-headers.ts';
import type { Refused } from './refused.ts';
import type { RequestClock } from './request-clock.ts';

/**
 * `GET /code` and `HEAD /code`, in front of everything else: no router, no hooks, and for a link in L1 nothing is waited for.
 *
 * limit -> L1 -> L2 -> truth -> answer -> click. A click is a GET that was redirected, or a password form's POST that was.
 */
export interface Redirector {
  /** Answers, or returns false when the path can not be a link's: then it is somebody else's. */
  handle(request: IncomingMessage, response: ServerResponse): boolean;
  /** The link behind an address, as redirects see it. @throws {StoreUnavailableError | OverloadedError} */
  look(address: LinkAddress): Promise<Look<CachedLink>>;
  /** The same for a client, charged to its limits as a GET would be: the refusal, once they are used up. */
  lookFor(request: IncomingMessage, code: string): Promise<Look<CachedLink> | Refused>;
  /** Which domain a request means. */
  domainOf(host: string | undefined): number;
  /** Redirects for good: takes one of the link's clicks if it has a limit, answers, and tells of the click. */
  redirect(
    request: IncomingMessage,
    response: ServerResponse,
    link: CachedLink,
    from: DecidedIn,
    status?: number,
  ): Promise<void>;
}

interface Visitor {
  readonly headers: RedirectHeaders;
  readonly ip: string;
  /** Since the Unix epoch. */
  readonly nowMs: number;
}

export interface RedirectorOptions {
  readonly instance: string;
  readonly cache: Cache<CachedLink>;
  readonly store: Pick<LinkStore, 'findForRedirect' | 'useClick'>;
  readonly domains: Domains;
  readonly addresses: ClientAddresses;
  readonly limits: Pick<Limits, 'redirect' | 'miss'>;
  readonly counts: RedirectCounts;
  /** The one that cache and limits go by. */
  readonly clock: RequestClock;
  /** Called after the answer. Must not throw, nor wait. */
  readonly onClick: (visit: Visit) => void;
  /** Told of every visit after its answer, but of those that a password let through: that was a call. */
  readonly requests: Pick<RequestRecorder, 'redirect'>;
  readonly replayTime: 'believed' | 'ignored';
  readonly log: Logger;
}

export function createRedirector(options: RedirectorOptions): Redirector {
  const { instance, cache, store, domains, addresses, limits, counts, clock, onClick, requests, replayTime, log } =
    options;
  const policy = limits.redirect?.name ?? '';
  const headersOf = createRedirectHeaders(instance);
  const endings = createEndings({ instance, counts, requests, policy, log });
  const missGuard = createMissGuard(limits.miss);
  const severalDomains = domains.byHost.size > 1;
  const replayable = replayTime === 'believed';
  const countHot = counts.counter('redirected', 'l1');

  const keyOf = (path: string, host: string | undefined): string => {
    if (!severalDomains) return path;
    return `${domains.hostOf(domains.ofRequest(host)) ?? ''}${path}`;
  };

  const load = async (address: LinkAddress): Promise<CachedLink | undefined> => {
    const row = await store.findForRedirect(address);
    return row === undefined ? undefined : toCachedLink(row);
  };

  const answer = (
    request: IncomingMessage,
    response: ServerResponse,
    link: CachedLink,
    visitor: Visitor,
    status: number,
  ): void => {
    let headers = headersOf(link);
    let atMs = visitor.nowMs;
    if (replayable && visitor.headers.replayTime !== undefined) {
      const told = believedTime(request, visitor.headers.replayTime);
      if (told !== undefined) {
        atMs = told;
        headers = [...headers, 'X-Spillway-Time', visitor.headers.replayTime];
      }
    }
    response.writeHead(status, headers);
    response.end();
    if (request.method === 'HEAD') return;
    const { userAgent, referrer } = visitor.headers;
    onClick({ linkId: link.id, atMs, ip: visitor.ip, userAgent, referrer });
  };

  const believedTime = (request: IncomingMessage, header: string): number | undefined => {
    const peer = request.socket.remoteAddress;
    return peer !== undefined && addresses.isTrusted(peer) ? readReplayTime(header, Date.now()) : undefined;
  };

  /** Charges a visit, whatever its code. */
  const refusedAtOnce = (client: string): Refused | undefined => {
    const decision = limits.redirect?.takeNow(client);
    if (decision?.outcome !== 'denied' || limits.redirect === undefined) return undefined;
    return { limiter: limits.redirect, refused: decision };
  };

  /** No further look-ups for a client that has had its share of misses, except in L1. */
  const lookOf = (path: string, host: string | undefined, client: string): Promise<Look<CachedLink>> | Refused => {
    const key = keyOf(path, host);
    const refused = cache.peek(key) === undefined ? missGuard.blocked(client) : undefined;
    if (refused !== undefined && limits.miss !== undefined) return { limiter: limits.miss, refused };
    return cache.look(key, () => load({ domainId: domains.ofRequest(host), code: path.slice(1) }));
  };

  /** Anything that is not an open link in L1. One promise, the look-up's: each further one would cost as much as its parts. */
  const handleSlowly = (exchange: Exchange, path: string, visitor: Visitor): void => {
    const client = limitKey(visitor.ip);
    const looking = lookOf(path, visitor.headers.host, client);
    if ('refused' in looking) {
      endings.limited(exchange, looking);
      return;
    }
    const fail = (error: unknown) => endings.unavailable(exchange, error);
    looking.then((look) => {
      try {
        if (look.value === undefined) missGuard.charge(client);
        finish(exchange, path.slice(1), visitor, look)?.catch(fail);
      } catch (error) {
        fail(error);
      }
    }, fail);
  };

  /** A promise where the truth has to be asked once more. */
  const finish = (exchange: Exchange, code: string, visitor: Visitor, look: Look<CachedLink>): Promise<void> | void => {
    const { value: link, from } = look;
    if (link === undefined) return endings.notFound(exchange, code, from);
    if (link.expiresAtMs !== 0 && link.expiresAtMs <= visitor.nowMs) return endings.expired(exchange, code, from);
    if (link.access === 'password') return endings.form(exchange, code, from);
    if (link.access === 'max-clicks') return finishCounted(exchange, code, visitor, link);
    answer(exchange.request, exchange.response, link, visitor, link.status);
    counts.count('redirected', from, exchange.startedMs);
    requests.redirect(exchange.request, link.status, policy);
  };

  const finishCounted = async (exchange: Exchange, code: string, visitor: Visitor, link: CachedLink): Promise<void> => {
    const { request, response, startedMs } = exchange;
    const address = { domainId: domains.ofRequest(visitor.headers.host), code };
    if (!(await mayPass(request, address, link))) return endings.usedUp(exchange, code);
    answer(request, response, link, visitor, link.status);
    counts.count('redirected', 'truth', startedMs);
    requests.redirect(request, link.status, policy);
  };

  /** A GET takes one of the link's clicks; a HEAD only looks whether there is one left. */
  const mayPass = async (request: IncomingMessage, address: LinkAddress, link: CachedLink): Promise<boolean> => {
    if (request.method !== 'HEAD') return (await store.useClick(link.id)) === 'granted';
    const row = await store.findForRedirect(address);
    return row !== undefined && (row.max_clicks === null || row.used_clicks < row.max_clicks);
  };

  const start = (exchange: Exchange, path: string, headers: RedirectHeaders): void => {
    const ip = addresses.ofConnection(exchange.request.socket, headers.forwardedFor);
    const refused = refusedAtOnce(limitKey(ip));
    if (refused !== undefined) endings.limited(exchange, refused);
    else handleSlowly(exchange, path, { headers, ip, nowMs: clock.epochMs() });
  };

  const handlePath = (request: IncomingMessage, response: ServerResponse, path: string, startedMs: number): boolean => {
    // What is in L1 has been a code before, so that its form need not be looked at again.
    const entry = severalDomains ? undefined : cache.peek(path);
    const link = entry?.state === 'fresh' ? entry.value : undefined;
    const headers = readHeaders(request.rawHeaders);
    // Somebody else's to refuse.
    if (!hasRightHost(headers, request)) return false;
    if (link === undefined || link.access !== 'open') {
      if (codeOf(path) === undefined) return false;
      start({ request, response, startedMs }, path, headers);
      return true;
    }
    const ip = addresses.ofConnection(request.socket, headers.forwardedFor);
    const refused = refusedAtOnce(limitKey(ip));
    if (refused !== undefined) {
      endings.limited({ request, response, startedMs }, refused);
      return true;
    }
    const nowMs = clock.epochMs();
    if (link.expiresAtMs !== 0 && link.expiresAtMs <= nowMs) {
      endings.expired({ request, response, startedMs }, path.slice(1), 'l1');
      return true;
    }
    answer(request, response, link, { headers, ip, nowMs }, link.status);
    countHot(startedMs);
    requests.redirect(request, link.status, policy);
    return true;
  };

  return {
    handle(request, response) {
      const { method, url } = request;
      if ((method !== 'GET' && method !== 'HEAD') || url === undefined) return false;
      const query = url.indexOf('?');
      const path = query === -1 ? url : url.slice(0, query);
      const startedMs = clock.hold();
      try {
        return handlePath(request, response, path, startedMs);
      } finally {
        clock.release();
      }
    },
    look: (address) => cache.look(`${domains.hostOf(address.domainId) ?? ''}/${address.code}`, () => load(address)),
    async lookFor(request, code) {
      const headers = readHeaders(request.rawHeaders);
      const client = limitKey(addresses.ofConnection(request.socket, headers.forwardedFor));
      const refused = refusedAtOnce(client);
      if (refused !== undefined) return refused;
      const look = await lookOf(`/${code}`, headers.host, client);
      if (!('refused' in look) && look.value === undefined) missGuard.charge(client);
      return look;
    },
    domainOf: domains.ofRequest,
    async redirect(request, response, link, from, status = link.status) {
      const startedMs = performance.now();
      const headers = readHeaders(request.rawHeaders);
      const ip = addresses.ofConnection(request.socket, headers.forwardedFor);
      answer(request, response, link, { headers, ip, nowMs: Date.now() }, status);
      counts.count('redirected', from, startedMs);
    },
  };
}

/** `clientKey`, which leaves an IPv4 address as it is; here it has been told already whether it is one. */
const limitKey = (ip: string): string => (ipv4Number(ip) === -1 ? clientKey(ip) : ip);

/** The code that a path is; undefined when it is no code, or one of the service's own words. */
export function codeOf(path: string): string | undefined {
  const code = path.slice(1);
  return isCode(code) && !isReserved(code) ? code : undefined;
}
