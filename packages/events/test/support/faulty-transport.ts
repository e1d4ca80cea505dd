import { type Random, StoreUnavailableError } from '@spillway/kernel';
import type { Delivery, EventTransport } from '../../src/transport.ts';

/** How likely what is, from 0 to 1. */
export interface Weather {
  /** The send fails and nothing arrives. */
  readonly refuse: number;
  /** It arrives and the answer is lost. */
  readonly lostReply: number;
  /** It fails, and arrives later. */
  readonly late: number;
  /** A delivery goes to a consumer again. */
  readonly repeat: number;
  /** Batches of one delivery are shuffled. */
  readonly shuffle: number;
  /** Acknowledging fails. */
  readonly failDone: number;
}

export const CALM: Weather = { refuse: 0, lostReply: 0, late: 0, repeat: 0, shuffle: 0, failDone: 0 };

/** A transport as bad as the protocol allows one to be: it loses, repeats, delays, reorders, forgets and returns to an old state. */
export interface FaultyTransport extends EventTransport {
  weather: Weather;
  forget(): void;
  save(): void;
  rollBack(): void;
  readonly entries: number;
}

export function faultyTransport(random: Random): FaultyTransport {
  // An entry that a consumer holds stands here until it is acknowledged, like in a consumer group's pending list.
  let entries = new Map<string, Delivery>();
  let delivered = new Set<string>();
  let saved = new Map<string, Delivery>();
  let last = 0;
  const chance = (likely: number): boolean => random() < likely;

  const arrive = (parcel: Omit<Delivery, 'receipt'>): string => {
    last += 1;
    const receipt = String(last);
    entries.set(receipt, { ...parcel, receipt });
    return receipt;
  };

  const transport: FaultyTransport = {
    weather: CALM,
    get entries() {
      return entries.size;
    },
    forget() {
      entries = new Map();
      delivered = new Set();
      saved = new Map();
    },
    save() {
      saved = new Map(entries);
    },
    rollBack() {
      entries = new Map(saved);
      delivered = new Set();
    },
    async send(parcels) {
      const { refuse, lostReply, late } = transport.weather;
      if (chance(refuse)) throw new StoreUnavailableError('send');
      if (chance(late)) {
        setTimeout(() => parcels.forEach(arrive), random() * 100);
        throw new StoreUnavailableError('send');
      }
      const receipts = parcels.map(arrive);
      if (chance(lostReply)) throw new StoreUnavailableError('send');
      return receipts;
    },
    async missing(receipts) {
      if (chance(transport.weather.refuse)) throw new StoreUnavailableError('missing');
      return new Set(receipts.filter((receipt) => !entries.has(receipt)));
    },
    receive() {
      const mine = new Set<string>();
      return {
        async next({ maxBatches, waitMs, signal }) {
          if (chance(transport.weather.refuse)) throw new StoreUnavailableError('next');
          const fresh = [...entries.values()].filter(
            ({ receipt }) => !delivered.has(receipt) || chance(transport.weather.repeat),
          );
          if (fresh.length === 0 && !signal.aborted)
            await new Promise((resolve) => setTimeout(resolve, Math.min(waitMs, 5)));
          const deliveries = fresh.slice(0, 1 + Math.floor(random() * maxBatches));
          for (const { receipt } of deliveries) {
            delivered.add(receipt);
            mine.add(receipt);
          }
          return chance(transport.weather.shuffle) ? deliveries.reverse() : deliveries;
        },
        async done(deliveries) {
          if (chance(transport.weather.failDone)) {
            // Claimed again later.
            for (const { receipt } of deliveries) delivered.delete(receipt);
            throw new StoreUnavailableError('done');
          }
          for (const { receipt } of deliveries) {
            entries.delete(receipt);
            mine.delete(receipt);
          }
        },
        async close() {
          for (const receipt of mine) delivered.delete(receipt);
        },
      };
    },
    // No word in process: producers poll, as they do for a sink elsewhere.
    onCommitted: () => () => undefined,
    async close() {},
  };
  return transport;
}
