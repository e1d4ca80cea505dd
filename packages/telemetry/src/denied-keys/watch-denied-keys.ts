import { createHash } from 'node:crypto';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { ConfigurationError, ownText } from '@spillway/kernel';
import type { LimitDecisionMessage } from '@spillway/limit';
import { createTopList } from '../core/top-list.ts';

export interface DeniedKeysOptions {
  /** Keys that are counted at once: an integer from 1 to 100,000. Default 1,000, less than 1 MB. */
  readonly size?: number;
}

export interface DeniedKey {
  /** As the caller of the limiter gave it; of one with more than 200 characters the first 100 and a digest of the whole. */
  readonly key: string;
  /** The policy that refused it. */
  readonly policy: string;
  /** Refused takes: at most so many, and at least `atLeast`. */
  readonly denials: number;
  readonly atLeast: number;
}

export interface DeniedKeys {
  /** The keys that were refused most often, most often first. Default 20. */
  top(most?: number): readonly DeniedKey[];
  /** Refused takes since the start, or since `clear`, of all keys. */
  readonly total: number;
  /** Begins anew. Called each hour, say, it makes a list of that hour. */
  clear(): void;
  /** Stops listening. What was counted stays. */
  close(): void;
}

const CHANNEL = 'spillway:limit:decision';
const LONGEST = 200;
const SHOWN = 100;

/**
 * Which keys are refused, as a list of bounded size: of any number of keys it names those that were refused most, each at most
 * `total / size` times too often, and every key that was refused more often than that is in it. Per policy; refusals of shadow
 * policies and of a store that is away (`store-unavailable`) do not count.
 *
 * Keys are personal: the list is for code that may see them (an admin's page, a log of abuse), never for metrics.
 * @throws {ConfigurationError} when `size` is not an integer from 1 to 100,000
 */
export function watchDeniedKeys({ size = 1000 }: DeniedKeysOptions = {}): DeniedKeys {
  if (!Number.isSafeInteger(size) || size < 1 || size > 100_000) {
    throw new ConfigurationError('The list of denied keys is set up wrong:', [
      { path: 'size', message: `must be an integer from 1 to 100,000, got ${String(size)}` },
    ]);
  }
  const list = createTopList(size, ownText);
  const listen = (message: unknown): void => {
    const { key, decision } = message as Partial<LimitDecisionMessage>;
    if (decision?.outcome !== 'denied' || decision.reason === 'store-unavailable' || typeof key !== 'string') return;
    list.add(placeOf(decision.policy, key));
  };
  subscribe(CHANNEL, listen);
  return {
    top: (most = 20) =>
      list.top(most).map(({ key: place, count, error }) => {
        const cut = place.indexOf('\n');
        return {
          key: place.slice(cut + 1),
          policy: place.slice(0, cut),
          denials: count,
          atLeast: count - error,
        };
      }),
    get total() {
      return list.total;
    },
    clear: () => list.clear(),
    close: () => void unsubscribe(CHANNEL, listen),
  };
}

// Policies' names hold no line break: no two places meet.
const placeOf = (policy: string, key: string): string => `${policy}\n${key.length > LONGEST ? shortened(key) : key}`;

const shortened = (key: string): string =>
  `${key.slice(0, SHOWN)}... sha256:${createHash('sha256').update(Buffer.from(key, 'utf16le')).digest('base64url')}`;
