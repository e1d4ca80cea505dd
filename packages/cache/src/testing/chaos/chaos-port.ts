import type { Loader } from '../../cache.ts';
import type { Chaos } from './chaos.ts';

/** What the ports answer at once, and not with a promise. */
const AT_ONCE = new Set<PropertyKey>(['open', 'publish', 'subscribe', 'onState', 'onGap']);

/**
 * A port whose methods meet the weather, but for those that answer at once: for `OtpRecords`, `SessionRecords`, a `BloomSpace`, a
 * `WriteLog` and whatever else is made like these.
 */
export function chaosPort<Port extends object>(port: Port, chaos: Chaos): Port {
  return new Proxy(port, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name);
      if (typeof member !== 'function' || AT_ONCE.has(name)) return member;
      return (...given: unknown[]) => chaos.call(String(name), async () => Reflect.apply(member, target, given));
    },
  });
}

/** A loader under the weather. One that hangs ends with the signal of its context, as a good one does. */
export function chaosLoader<Value>(load: Loader<Value>, chaos: Chaos): Loader<Value> {
  return (key, context) =>
    new Promise((resolve, reject) => {
      context.signal.addEventListener('abort', () => reject(context.signal.reason), { once: true });
      chaos.call('load', () => load(key, context)).then(resolve, reject);
    });
}
