import { monotonicClock } from '@spillway/kernel';
import type { Cache, Look } from '../cache.ts';
import { isUnknown, isVariant, markOf, mayUse } from './access.ts';
import { type CacheStatus, type Forwarded, serialiseCacheStatus } from './cache-status.ts';
import type { Fields } from './fields.ts';
import { BrokenOff, Lead, type LeadParts, NotShared, personal, RouteFailed, type Watcher } from './lead.ts';
import type { ParsedResponseCacheOptions } from './options.ts';
import { BY_TARGET, type Plan, type Route } from './plan.ts';
import { type CacheRequest, digest, keyUnit, pathUnit, resourceOf, variantOf } from './request-key.ts';
import { type Answer, answerFrom } from './serve.ts';
import type { Credentials, Terms } from './storable.ts';
import { conditionOf, type StoredResponse } from './stored-response.ts';
import { Unshared } from './unshared.ts';

export interface DirectorParts extends ParsedResponseCacheOptions {
  readonly responses: Cache<StoredResponse>;
  /** Undefined: the cache is closed or away. */
  generationOf(unit: string): Promise<string | undefined>;
  purgeUnit(unit: string): Promise<unknown>;
}

/** One request on its way through the cache. */
interface Ask {
  readonly request: CacheRequest;
  readonly before: Fields;
  readonly credentials: Credentials;
  readonly terms: Terms;
  readonly tags: readonly string[] | undefined;
  /** Whether its response could be stored: a whole one, to a GET. */
  readonly mayLead: boolean;
}

/** Where to look, and where a response would go. */
interface Place {
  readonly key: string;
  readonly fwd: Forwarded;
  readonly place: LeadParts['place'];
}

type Found =
  | { readonly kind: 'plan'; readonly plan: Plan }
  | { readonly kind: 'stored'; readonly stored: StoredResponse; readonly how: 'hit' | 'collapsed' | 'stand-in' }
  /** What it waited for did not come to pass: look again. */
  | { readonly kind: 'again' };

/** The loader of a request that may not lead, or that leads already. */
class NotRun extends Error {}

/** How often a request looks again when what it waited for did not come to pass. */
const MAX_LOOKS = 3;

/** Decides what becomes of each request: RFC 9111 around a `Cache`. */
export class Director {
  readonly #parts: DirectorParts;
  readonly #leads = new Map<string, Lead>();
  readonly #unshared = new Unshared();

  constructor(parts: DirectorParts) {
    this.#parts = parts;
  }

  async plan(request: CacheRequest, route: Route, before: Fields): Promise<Plan> {
    const { method } = request;
    const id = route.key === BY_TARGET ? resourceOf(request) : route.key === undefined ? undefined : ['key', route.key];
    const unit = route.key === BY_TARGET ? pathUnit(request.target) : keyUnit(route.key ?? '');
    if (method !== 'GET' && method !== 'HEAD') {
      const plan = this.#pass({ fwd: 'method' });
      const isUnsafe = method !== 'OPTIONS' && method !== 'TRACE';
      return isUnsafe && id !== undefined ? { ...plan, watcher: this.#purging(unit, before) } : plan;
    }
    if (id === undefined) return this.#pass({ fwd: 'bypass', detail: 'no-key' });
    if (request.header('if-match') !== undefined || request.header('if-unmodified-since') !== undefined) {
      return this.#pass({ fwd: 'bypass', detail: 'precondition' });
    }
    // A route may answer by it, and no key holds it.
    if (Number(request.header('content-length') ?? 0) > 0 || request.header('transfer-encoding') !== undefined) {
      return this.#pass({ fwd: 'bypass', detail: 'body' });
    }
    const credentials = this.#credentialsOf(request, route);
    const { maxBodyBytes, keepMs, maxStaleMs } = this.#parts;
    const terms = {
      ttlMs: route.ttlMs,
      staleWhileRevalidateMs: Math.min(route.staleWhileRevalidateMs, maxStaleMs),
      staleIfErrorMs: Math.min(route.staleIfErrorMs, maxStaleMs),
      keepMs,
      maxBodyBytes,
    };
    const mayLead = method === 'GET' && request.header('range') === undefined;
    try {
      const generation = await this.#parts.generationOf(unit);
      return await this.#look(
        { request, before, credentials, terms, tags: route.tags, mayLead },
        digest([generation, id, route.user ?? null]),
      );
    } catch {
      // Whatever is wrong with the cache is on its channels; the route answers.
      return this.#pass({ fwd: 'bypass', detail: 'error' });
    }
  }

  async #look(ask: Ask, primary: string): Promise<Plan> {
    for (let looks = 0; looks < MAX_LOOKS; looks += 1) {
      let at = this.#primary(ask, primary);
      let found = await this.#find(ask, at);
      if (found.kind === 'stored' && !isVariant(found.stored, ask.request)) {
        at = this.#secondary(ask, primary, found.stored);
        found = await this.#find(ask, at);
      }
      if (found.kind === 'plan') return found.plan;
      if (found.kind === 'stored') return this.#serve(ask, at, found);
    }
    return this.#pass({ fwd: 'uri-miss', detail: 'contended' });
  }

  #primary({ request }: Ask, key: string): Place {
    const place = (vary: readonly string[]) => {
      // What was once seen to matter stays in the key, so that two kinds of answers do not drive each other out.
      const last = this.#parts.responses.peek(key)?.value;
      const names = [...new Set([...vary, ...(last?.vary ?? [])])].sort();
      return { vary: names, variant: variantOf(request, names) };
    };
    return { key, fwd: 'uri-miss', place };
  }

  /** Another variant of what stands under the primary key. */
  #secondary({ request }: Ask, primary: string, { vary: names }: StoredResponse): Place {
    const variant = variantOf(request, names);
    const place = (vary: readonly string[]) => {
      if (vary.every((name) => names.includes(name))) return { vary: names, variant };
      // It depends on more than was known: the next load learns it.
      void this.#parts.responses.expire({ key: primary });
      return undefined;
    };
    return { key: digest([primary, variant]), fwd: 'vary-miss', place };
  }

  async #find(ask: Ask, at: Place): Promise<Found> {
    const { key } = at;
    const peeked = this.#parts.responses.peek(key);
    const last = peeked?.value;
    if (last !== undefined) {
      if (peeked?.state === 'fresh') return { kind: 'stored', stored: last, how: 'hit' };
      // Somebody is fetching it: nobody else waits while it may be used.
      if (this.#leads.has(key) && conditionOf(last, this.#parts.now()).whileRevalidating) {
        return { kind: 'stored', stored: last, how: 'hit' };
      }
    }
    const fwd = last === undefined ? at.fwd : 'stale';
    if (this.#unshared.has(markOf(key, ask.credentials), this.#nowUs())) return this.#passing({ fwd });
    return this.#join(ask, { ...at, fwd });
  }

  /** Waits for the response, or leads the way to it. */
  async #join(ask: Ask, at: Place): Promise<Found> {
    const { promise: led, resolve: lead } = Promise.withResolvers<Lead>();
    let isCalled = false;
    const loader = async (): Promise<StoredResponse> => {
      // A second time, after an invalidation: a request's route runs once.
      if (isCalled || !ask.mayLead) {
        isCalled = true;
        throw new NotRun();
      }
      isCalled = true;
      const own = this.#lead(ask, at, () => look);
      lead(own);
      return own.stored;
    };
    const look = this.#parts.responses.look(at.key, loader, {
      ttl: ({ freshMs }) => `${Math.round(freshMs)}ms`,
      ...(ask.tags === undefined ? {} : { tags: ask.tags }),
    });
    const outcome = await Promise.race([
      led.then((own) => ({ lead: own })),
      look.then(
        (found) => ({ look: found }),
        (error: unknown) => ({ error }),
      ),
    ]);
    if ('lead' in outcome) return { kind: 'plan', plan: { do: 'lead', lead: outcome.lead } };
    if ('look' in outcome) return this.#looked(outcome.look, at);
    const { error } = outcome;
    if (isCalled) return this.#passing({ fwd: at.fwd });
    if (error instanceof NotRun || error instanceof BrokenOff) return { kind: 'again' };
    if (error instanceof NotShared) {
      const isAlike = isUnknown(error.credentials) === isUnknown(ask.credentials);
      return isAlike ? this.#passing({ fwd: at.fwd }) : { kind: 'again' };
    }
    return this.#passing({ fwd: at.fwd, detail: error instanceof RouteFailed ? 'failed' : 'waited' });
  }

  #looked({ value, from }: Look<StoredResponse>, at: Place): Found {
    if (value === undefined) return this.#passing({ fwd: at.fwd });
    if (from !== 'stale') return { kind: 'stored', stored: value, how: from === 'loader' ? 'collapsed' : 'hit' };
    const { whileRevalidating, onError } = conditionOf(value, this.#parts.now());
    if (!whileRevalidating && !onError) return this.#passing({ fwd: 'stale' });
    return { kind: 'stored', stored: value, how: 'stand-in' };
  }

  #lead(ask: Ask, at: Place, look: () => Promise<Look<StoredResponse>>): Lead {
    const { name, now, showKey } = this.#parts;
    const { request, credentials, terms, before } = ask;
    const { key, fwd, place } = at;
    const own = new Lead({
      request,
      credentials,
      terms,
      before,
      name,
      fwd,
      place,
      shownKey: showKey ? key : undefined,
      nowMs: now,
      standIn: (status) => this.#standIn(ask, look(), status),
    });
    this.#leads.set(key, own);
    const done = (): void => {
      if (this.#leads.get(key) === own) this.#leads.delete(key);
    };
    own.stored.then(done, (error: unknown) => {
      done();
      if (error instanceof NotShared) this.#unshared.add(markOf(key, credentials), this.#nowUs());
    });
    return own;
  }

  /** What was stored before, when the route has failed and that may stand in. */
  async #standIn(
    { request, credentials }: Ask,
    look: Promise<Look<StoredResponse>>,
    status: number | undefined,
  ): Promise<Answer | undefined> {
    const { name, now } = this.#parts;
    const found = await look.catch(() => undefined);
    const stored = found?.from === 'stale' ? found.value : undefined;
    if (stored === undefined || !isVariant(stored, request) || !mayUse(stored, credentials)) return undefined;
    const { onError, freshForMs } = conditionOf(stored, now());
    if (!onError) return undefined;
    const cacheStatus: CacheStatus = { fwd: 'stale', status, ttlMs: freshForMs, detail: 'stale-if-error' };
    return personally(answerFrom(stored, request, { name, status: cacheStatus, nowMs: now() }), credentials);
  }

  #serve(ask: Ask, { key, fwd }: Place, found: Found & { kind: 'stored' }): Plan {
    const { name, now, showKey } = this.#parts;
    const { stored, how } = found;
    if (!mayUse(stored, ask.credentials)) return this.#pass({ fwd: 'bypass', detail: 'credentials' });
    const nowMs = now();
    const { freshForMs: ttlMs } = conditionOf(stored, nowMs);
    const common = { ttlMs, ...(showKey ? { key } : {}) };
    const status: CacheStatus =
      how === 'collapsed'
        ? { ...common, fwd, collapsed: true }
        : how === 'stand-in'
          ? { ...common, fwd: 'stale', detail: 'stale-if-error' }
          : { ...common, hit: true };
    const answer = answerFrom(stored, ask.request, { name, status, nowMs });
    return { do: 'send', answer: personally(answer, ask.credentials) };
  }

  /** RFC 9111 section 4.4: what was changed is not served as it was, once the change is answered. */
  #purging(unit: string, before: Fields): Watcher {
    return {
      before,
      head: (status) => {
        if (status >= 400) return { kind: 'pass', fields: [], notModified: false, capture: false };
        const purged = this.#parts.purgeUnit(unit).then(
          () => undefined,
          () => undefined,
        );
        return { kind: 'hold', instead: purged, fields: [] };
      },
      write: () => false,
      end: () => undefined,
      abort: () => undefined,
    };
  }

  #credentialsOf(request: CacheRequest, { user }: Route): Credentials {
    const has = (name: string): boolean => request.header(name) !== undefined;
    return {
      authorization: has('authorization') || this.#parts.credentialFields.some(has),
      cookie: has('cookie'),
      identified: user !== undefined,
    };
  }

  #pass(status: CacheStatus) {
    return { do: 'pass' as const, cacheStatus: serialiseCacheStatus(this.#parts.name, status) };
  }

  #passing(status: CacheStatus): Found {
    return { kind: 'plan', plan: this.#pass(status) };
  }

  #nowUs(): number {
    return (this.#parts.clock ?? monotonicClock).nowUs();
  }
}

const personally = (answer: Answer, credentials: Credentials): Answer => {
  const more = personal(answer.fields, credentials);
  return more.length === 0 ? answer : { ...answer, fields: [...answer.fields, ...more] };
};
