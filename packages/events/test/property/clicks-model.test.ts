import { explore, formatTrace } from '@spillway/testkit';
import { describe, expect, test } from 'vitest';
import { clicksModel, type Faults, type ModelOptions, type Mutant } from './clicks-model.ts';

const walk = (options: ModelOptions): string => {
  const result = explore(clicksModel(options));
  return result.outcome === 'holds'
    ? `holds, ${result.resting > 0 ? 'and comes to rest' : 'endlessly'}`
    : formatTrace(result);
};

describe('G6: accepted = counted + pending + dropped, nothing twice, in order, and nothing is stuck, in every interleaving of', () => {
  const sound: readonly [string, ModelOptions][] = [
    [
      'two producers, two consumers, a kill, a late command and a Redis that forgets',
      { events: [1, 1], consumers: 2, faults: { kill: 1, late: 1, forget: 1 } },
    ],
    [
      'two producers and a kill, with batches that follow each other',
      { events: [2, 1], consumers: 2, faults: { kill: 1 } },
    ],
    ['two producers and a Redis that forgets', { events: [2, 1], consumers: 2, faults: { forget: 1 } }],
    ['a Redis that returns with an old state', { events: [2], consumers: 2, faults: { rollBack: 1, lostReply: 1 } }],
    [
      'kills of the producer and of its adopter, and of a consumer',
      { events: [2], consumers: 1, faults: { kill: 2, killConsumer: 1 } },
    ],
    [
      'consumers that die, hang, and do not hear that they committed',
      { events: [2], consumers: 2, faults: { killConsumer: 1, claimFromTheLiving: 1, unknownCommit: 1 } },
    ],
    [
      'lost answers and resends of what is committed',
      { events: [2], consumers: 2, faults: { lostReply: 1, late: 1, spuriousResend: 1 } },
    ],
    ['a full disk and a kill', { events: [2, 1], consumers: 1, faults: { diskFull: 1, kill: 1 } }],
  ];
  test.each(sound)('%s', (_, options) => {
    expect(walk(options)).toBe('holds, and comes to rest');
  });
});

describe('G6: beyond what order promises, still nothing is lost, counted twice or stuck, with', () => {
  const sound: readonly [string, ModelOptions][] = [
    ['a consumer whose patience ends', { events: [3], consumers: 2, faults: { forget: 1 }, patience: 'ends' }],
    ['a batch that the disk damaged', { events: [2], consumers: 2, faults: { kill: 1, damage: 1, forget: 1 } }],
    [
      'a database that lost commits',
      { events: [2], consumers: 2, faults: { kill: 1, databaseRollBack: 1 }, patience: 'ends' },
    ],
  ];
  test.each(sound)('%s', (_, options) => {
    expect(walk(options)).toBe('holds, and comes to rest');
  });
});

describe('G6: the explorer sees what a wrong protocol does:', () => {
  const mutants: readonly [Mutant, RegExp, Faults, ModelOptions['patience']?][] = [
    ['acknowledge-at-the-stream', /is nowhere/, { forget: 1 }],
    ['batches-sent-before-the-spool-has-them', /counted and given up as well/, { kill: 1 }],
    ['resend-under-a-new-number', /counted twice/, { late: 1, lostReply: 1, spuriousResend: 1 }],
    ['adopter-renames', /counted twice/, { kill: 1 }],
    ['epoch-reused', /is nowhere/, { kill: 1 }],
    ['successor-does-not-wait', /out of order/, { kill: 1 }],
    ['watermark-past-a-gap', /is nowhere/, { forget: 1 }, 'ends'],
    ['ahead-rows-pruned', /counted twice/, { forget: 1, lostReply: 1 }, 'ends'],
    ['rows-and-watermark-apart', /counted twice/, {}],
    ['floor-past-what-is-held', /is nowhere/, { late: 1 }],
    ['no-floor', /never emptied/, { kill: 1, damage: 1 }],
  ];
  test.each(mutants)('%s', (mutant, reason, faults, patience: ModelOptions['patience'] = 'endless') => {
    expect(walk({ events: [2], consumers: 2, faults, patience, mutant })).toMatch(reason);
    // The same without the mutation holds: it is the mutation that was seen.
    expect(walk({ events: [2], consumers: 1, faults, patience })).toBe('holds, and comes to rest');
  });
});
