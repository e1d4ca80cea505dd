import { channel } from 'node:diagnostics_channel';
import type { LimitStoreMessage } from './messages.ts';
import type { LimitStore } from './store.ts';
import type { Policy } from './strategies/policy.ts';

const calls = channel('spillway:limit:store');

type Operation = Exclude<LimitStoreMessage['operation'], 'take-once'>;
type Method = (key: string, policies: readonly Policy[], ...rest: readonly unknown[]) => Promise<unknown>;

const MEASURED: readonly Operation[] = ['take', 'reserve', 'peek', 'refund', 'block', 'reset'];
const ID_AT = 1;

/** The same store, which tells how long it took (`spillway:limit:store`). One in this process has nothing to wait for, and is left alone. */
export function measuredStore(store: LimitStore): LimitStore {
  if (store.scope === 'process') return store;
  // Whatever else it has is reached through it.
  const measured = Object.create(store) as Record<string, unknown>;
  for (const [name, method] of methodsOf(store)) {
    const own = method.bind(store) as Method;
    const operation = name === 'takeOwing' ? 'take' : MEASURED.find((each) => each === name);
    measured[name] = operation === undefined ? own : timed(operation, own, name);
  }
  return measured as object as LimitStore;
}

const timed =
  (operation: Operation, ask: Method, name: string): Method =>
  (key, policies, ...rest) => {
    const answer = ask(key, policies, ...rest);
    if (!calls.hasSubscribers) return answer;
    const startedAt = performance.now();
    const told = name === 'take' && rest[ID_AT] !== undefined ? 'take-once' : operation;
    const tell = (outcome: LimitStoreMessage['outcome']): void => {
      const durationMs = performance.now() - startedAt;
      const names = policies.map(({ name }) => name);
      calls.publish({ operation: told, outcome, durationMs, policies: names } satisfies LimitStoreMessage);
    };
    return answer.then(
      (value) => {
        tell('ok');
        return value;
      },
      (error: unknown) => {
        tell('error');
        throw error;
      },
    );
  };

/** Its own and inherited ones: a store may be an object or of a class. */
function methodsOf(store: object): Map<string, (...args: unknown[]) => unknown> {
  const methods = new Map<string, (...args: unknown[]) => unknown>();
  for (let at = store; at !== Object.prototype && at !== null; at = Object.getPrototypeOf(at)) {
    for (const name of Object.getOwnPropertyNames(at)) {
      const value = Object.getOwnPropertyDescriptor(at, name)?.value;
      if (typeof value === 'function' && name !== 'constructor' && !methods.has(name)) methods.set(name, value);
    }
  }
  return methods;
}
