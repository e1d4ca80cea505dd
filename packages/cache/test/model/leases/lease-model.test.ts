import { explore, formatTrace } from '@spillway/testkit';
import { describe, expect, test } from 'vitest';
import { type LeaseModelOptions, leaseModel } from './lease-model.ts';
import type { LeaseVariant } from './lease-state.ts';

/** `holds`, or the shortest way to the violation. */
function walk(options: LeaseModelOptions): string {
  const found = explore(leaseModel(options));
  return found.outcome === 'holds' ? 'holds' : formatTrace(found);
}

/** Spaces that have been walked already: those of the mutants hold without their mistake. */
const sound = new Map<LeaseModelOptions, string>();
function holds(options: LeaseModelOptions): string {
  const known = sound.get(options) ?? walk(options);
  sound.set(options, known);
  return known;
}

const calm: LeaseModelOptions = { processes: 3 };
const killed: LeaseModelOptions = { processes: 3, faults: { kill: 1 } };
const stopped: LeaseModelOptions = { processes: 3, faults: { stop: 1 } };
const stoppedTwice: LeaseModelOptions = { processes: 2, faults: { stop: 2, change: 1 } };
const lost: LeaseModelOptions = { processes: 3, faults: { lost: 2 } };
const changed: LeaseModelOptions = { processes: 3, faults: { change: 1 } };
const failed: LeaseModelOptions = { processes: 3, faults: { fail: 1 } };

describe('one load, nobody waits for ever, and nobody who was replaced fills, in every interleaving of', () => {
  const spaces: readonly [string, LeaseModelOptions][] = [
    ['three processes that miss one key', calm],
    ['the same, one being killed', killed],
    ['the same, one being stopped for a while', stopped],
    ['two that are stopped, and a change', stoppedTwice],
    ['messages that are lost', lost],
    ['a change meanwhile', changed],
    ['a loader that fails', failed],
    ['all of it', { processes: 2, faults: { kill: 1, stop: 1, lost: 1, change: 1, fail: 1 } }],
  ];
  test.each(spaces)('%s', (_, options) => {
    expect(holds(options)).toBe('holds');
  });
});

describe('the explorer sees what a wrong lease does:', () => {
  const mutants: readonly [LeaseVariant, RegExp, LeaseModelOptions][] = [
    ['lease without fence', /was replaced, and has filled all the same/, stopped],
    ['wait without bound', /waits for ever/, lost],
    ['news before the answer is forgotten', /waits for the end of a lease, though nothing has failed/, calm],
    ['waiter that leaves no mark', /waits for the end of a lease, though nothing has failed/, calm],
    ['failure that is not told', /waits for ever/, failed],
    ['told before the fill', /2 loads, where 1 would do/, calm],
    ['release that does not compare', /3 loads, where 2 would do/, stopped],
    ['lease that outlives an invalidation', /waits for a load from before the change/, changed],
  ];
  test.each(mutants)('%s', (variant, reason, options) => {
    expect(walk({ ...options, variant })).toMatch(reason);
    expect(holds(options)).toBe('holds');
  });
});
