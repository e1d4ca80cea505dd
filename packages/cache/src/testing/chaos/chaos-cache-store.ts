import type { CacheSpace, CacheStore } from '../../store.ts';
import type { Chaos } from './chaos.ts';

/** Methods that ask what is there: losses strike before them. */
const READS = /^(read|look)/;

/** One cache's keys under the weather. `forget` is spared: no store asks anybody for it. */
export function chaosCacheSpace(space: CacheSpace, chaos: Chaos): CacheSpace {
  // Under another name than before, what was there is not found any more: lost, in whatever store it is.
  const losses = new Map<string, number>();
  const at = (name: string): string => {
    const lost = losses.get(name);
    return lost === undefined ? name : `${name}\0${lost}`;
  };
  const maybeLose = (name: string): void => {
    if (chaos.strikes('lose')) losses.set(name, (losses.get(name) ?? 0) + 1);
  };
  /** Every method begins with the name, or the names, that it is about. */
  const under = <Part extends object>(part: Part): Part =>
    new Proxy(part, {
      get(target, property) {
        const member: unknown = Reflect.get(target, property);
        if (typeof member === 'object' && member !== null) return under(member);
        if (typeof member !== 'function' || property === 'forget') return member;
        return (about: string | readonly string[], ...more: unknown[]) => {
          if (READS.test(String(property))) [about].flat().forEach(maybeLose);
          const where = () => (typeof about === 'string' ? at(about) : about.map(at));
          return chaos.call(String(property), async () => Reflect.apply(member, target, [where(), ...more]));
        };
      },
    });
  return under(space);
}

/**
 * A store under the weather: it refuses, loses answers, carries out late, answers slowly, and loses entries together with what it knew of them,
 * as one that evicts. Instances that share the store have to share this double of it, since what is lost is lost for all. Remembers
 * which keys it lost: for tests, with as many keys as these have.
 */
export function chaosCacheStore(store: CacheStore, chaos: Chaos): CacheStore {
  const spaces = new Map<string, CacheSpace>();
  return {
    get state() {
      return store.state;
    },
    onState: (listener) => store.onState(listener),
    open(name) {
      const space = spaces.get(name) ?? chaosCacheSpace(store.open(name), chaos);
      spaces.set(name, space);
      return space;
    },
  };
}
