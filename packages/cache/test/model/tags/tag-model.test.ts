import { explore, formatTrace } from '@spillway/testkit';
import { describe, expect, test } from 'vitest';
import { tagModel } from './tag-model.ts';
import type { TagModelOptions, Variant } from './tag-state.ts';

function walk(options: TagModelOptions): string {
  const found = explore(tagModel(options));
  return found.outcome === 'holds' ? 'holds' : formatTrace(found);
}

/** Spaces that have been walked already: those of the mutants hold without their mistake. */
const sound = new Map<TagModelOptions, string>();
function holds(options: TagModelOptions): string {
  const known = sound.get(options) ?? walk(options);
  sound.set(options, known);
  return known;
}

const [A, B] = [0, 1];
const TIMEOUT_MS = 60_000;

const race: TagModelOptions = { writes: ['invalidated'], writers: [B], lookUps: [A, B, A] };
const evicted: TagModelOptions = { ...race, lookUps: [A, B], faults: { evicted: 1 } };
const late: TagModelOptions = { writes: ['invalidated'], writers: [B], lookUps: [B, A], faults: { lateCommand: 1 } };
const alone: TagModelOptions = { ...late, lookUps: [B, B] };
const lost: TagModelOptions = { ...race, lookUps: [A, A], faults: { lostMessage: 1 } };
const away: TagModelOptions = { ...lost, faults: { lostMessage: 1, truthAway: 1 } };

describe('G5: nothing old is answered from under a tag, in every interleaving of', () => {
  const spaces: readonly [string, TagModelOptions][] = [
    ['look-ups that race with an invalidation', race],
    ['an expiry and an invalidation', { writes: ['expired', 'invalidated'], writers: [B, B], lookUps: [A, A] }],
    ['two changes of two instances', { writes: ['invalidated', 'expired'], writers: [A, B], lookUps: [B] }],
    ['a record that is evicted', evicted],
    ['a flush', { ...race, lookUps: [A, B], faults: { flush: 1 } }],
    ['commands that run after their deadline', late],
    ['the same with an expiry', { ...late, writes: ['expired'] }],
    ['a message that is lost', lost],
    ['the same, the truth going away', away],
    ['the same with an expiry, and a stand-in', { ...away, writes: ['expired'] }],
  ];
  test.each(spaces)('%s', { timeout: TIMEOUT_MS }, (_, options) => {
    expect(holds(options)).toBe('holds');
  });
});

describe('G5: the explorer sees what wrong tags do:', () => {
  const mutants: readonly [Variant, RegExp, TagModelOptions][] = [
    ['record read after the load', /in the end Redis has 0 as valid/, race],
    ['counter', /in the end Redis has 0 as valid/, evicted],
    ['no record counts as valid', /in the end Redis has 0 as valid/, race],
    ['kept by an overtaken flight', /in the end . has 0 as fresh/, race],
    ['told before the record is gone', /A answers fresh 0, though it knew of 1/, race],
    ['no pendingBy', /A answers fresh 0, though it knew of 1/, late],
    ['own pending tags forgotten', /B answers fresh 0, though it knew of 1/, alone],
    ['watched from the record on', /in the end . has 0 as fresh/, race],
    ['gap not noticed', /in the end A has 0 as fresh/, lost],
    ['stands in under another era', /answers stale 0, though it knew of 1/, away],
  ];
  test.each(mutants)('%s', { timeout: TIMEOUT_MS }, (variant, reason, options) => {
    expect(walk({ ...options, variant })).toMatch(reason);
    expect(holds(options)).toBe('holds');
  });
});
