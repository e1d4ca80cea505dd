import { ConfigurationError } from '@spillway/kernel';
import { type PolicyFields, parseFields } from '../policy-fields.ts';
import type { Strategy } from '../strategy.ts';
import { type Making, noteMade } from './made-policies.ts';
import type { OwnPolicy } from './own-policy.ts';

/** The fields that a policy has beside those which every policy gets. */
export type OwnFields<P extends OwnPolicy> = Omit<P, 'strategy' | 'name'>;

export interface StrategyDefinition<P extends OwnPolicy, State extends object> {
  /** Stands in policies (`own:<name>`), keys and metrics: lower-case letters, digits and `-`, a letter first, at most 32. */
  readonly name: string;
  /** The fields that its users write, beside `name`. All others are refused. */
  readonly options: readonly string[];
  /** Reads them. What is wrong is collected by `fields`, and thrown together once all is read. */
  read(fields: PolicyFields): OwnFields<P>;
  /** Pure: what holds for each of them stands at `Strategy`. They take no leases, and hold nothing by an id. */
  readonly steps: Omit<Strategy<P, State>, 'leasing'>;
  /** One instance's part: what the policy admits divided by `parts`, an integer >= 2, and at least 1. */
  share(policy: P, parts: number): OwnFields<P>;
}

/** A strategy of somebody's own. `Options` is what its users write. */
export interface OwnStrategy<P extends OwnPolicy = OwnPolicy, Options extends object = object> {
  readonly name: `own:${string}`;
  /** A policy for `createLimiter`. @throws {ConfigurationError} with every field at fault */
  policy(options: Options & { readonly name: string }): P;
}

const NAME = /^[a-z][a-z0-9-]{0,31}$/;

/**
 * Another way to limit, beside those of this package: the guide "A strategy of your own" makes one. In memory its steps are all that is
 * needed; a store elsewhere needs to be given them in its own language (`defineRedisStrategy` of `@spillway/limit/redis`).
 * @throws {ConfigurationError} when its name is none
 */
export function defineStrategy<P extends OwnPolicy, State extends object, Options extends object = OwnFields<P>>(
  definition: StrategyDefinition<P, State>,
): OwnStrategy<P, Options> {
  if (!NAME.test(definition.name)) {
    const message = `must be lower-case letters, digits and "-", a letter first, at most 32, e.g. "quiet-time", got ${JSON.stringify(definition.name)}`;
    throw new ConfigurationError('The strategy is defined wrong:', [{ path: 'name', message }]);
  }
  const name = `own:${definition.name}` as const;
  const making: Making = {
    steps: definition.steps as Strategy<never, never> as Strategy<OwnPolicy, object>,
    share: (policy, parts) => made({ ...definition.share(policy as P, parts), strategy: name, name: policy.name } as P),
  };
  const made = (policy: P): P => {
    noteMade(Object.freeze(policy), making);
    return policy;
  };
  return {
    name,
    policy: (options) =>
      made(
        parseFields({ ...options, strategy: name }, name, definition.options, (fields) => {
          const own = definition.read(fields);
          if (fields.issues.length === 0 && !(Number.isSafeInteger(own.capacity) && own.capacity >= 1)) {
            const message = `must be made an integer >= 1 by read() of ${name}, got ${String(own.capacity)}`;
            fields.issues.push({ path: 'capacity', message });
          }
          return { ...own, strategy: name, name: fields.name } as P;
        }),
      ),
  };
}
