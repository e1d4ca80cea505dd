import { explore, formatTrace } from '@spillway/testkit';
import { describe, expect, test } from 'vitest';
import { cacheModel } from './cache-model.ts';
import type { CacheModelOptions, Variant } from './state.ts';

/** `holds` or the shortest way to the violation. Each space is finite and walked to its end: `unfinished` fails. */
function walk(options: CacheModelOptions): string {
  const found = explore(cacheModel(options));
  return found.outcome === 'holds' ? 'holds' : formatTrace(found);
}

/** Spaces that have been walked already: those of the mutants hold without their mistake, so it is the mistake that was seen. */
const sound = new Map<CacheModelOptions, string>();
function holds(options: CacheModelOptions): string {
  const known = sound.get(options) ?? walk(options);
  sound.set(options, known);
  return known;
}

const [A, B] = [0, 1];
const TIMEOUT_MS = 120_000;

const race: CacheModelOptions = { writes: ['edit'], lookUps: 3 };
const late: CacheModelOptions = { writes: ['edit'], lookUps: 2, faults: { lateCommand: 2 } };
const lost: CacheModelOptions = { writes: ['edit'], lookUps: 3, faults: { lostMessage: 1 } };
const away: CacheModelOptions = {
  writes: ['delete'],
  writers: [B],
  lookUps: [A, B, A],
  faults: { truthAway: 1, stale: 1 },
};
const madeAgain: CacheModelOptions = {
  writes: ['delete', 'edit'],
  writers: [A, A],
  lookUps: [B, B],
  faults: { truthAway: 1, lostMessage: 1, stale: 1 },
};
const cutOff: CacheModelOptions = {
  writes: ['delete', 'edit'],
  writers: [A, A],
  lookUps: [B, B],
  faults: { linkDown: 1 },
};
const suspected: CacheModelOptions = {
  writes: ['edit', 'edit'],
  writers: [B, A],
  lookUps: [A, B],
  faults: { lateCommand: 1 },
};
const overtakenDelete: CacheModelOptions = {
  ...madeAgain,
  faults: { truthAway: 1, lostMessage: 1, lateCommand: 1 },
};
const minutes: CacheModelOptions = { writes: ['edit'], lookUps: 2, faults: { lateCommand: 1, tenMinutes: 1 } };
const rolledBack: CacheModelOptions = {
  writes: ['edit'],
  writers: [A],
  lookUps: [B, B],
  app: true,
  faults: { rollback: 1, lateCommand: 1 },
};
const killed: CacheModelOptions = { writes: ['edit'], lookUps: 2, app: true, faults: { kill: 1, lateCommand: 1 } };

describe('G4, G5: nothing old is answered, and what is known stands in, in every interleaving of', () => {
  const spaces: readonly [string, CacheModelOptions][] = [
    ['look-ups that race with a change', race],
    ['two changes, of whomever', { ...race, writes: ['edit', 'replace'], lookUps: 2 }],
    ['commands that run after their deadline, and answers that are lost', late],
    ['the same with two changes of two instances', suspected],
    ['the same with a deletion, and a new beginning', { ...cutOff, faults: { lateCommand: 1 } }],
    ['a message that is lost', lost],
    [
      'messages and commands that are lost',
      { ...lost, lookUps: 2, writers: [A], faults: { lostMessage: 1, lateCommand: 1 } },
    ],
    ['two lost messages', { ...madeAgain, writes: ['edit', 'replace'], faults: { lostMessage: 2 } }],
    ['an instance that is cut off from Redis, and changes the key twice', cutOff],
    ['links that go down twice', { ...race, writers: [A], lookUps: 2, faults: { linkDown: 2 } }],
    ['a suspicion that nobody ends for ten minutes', minutes],
    ['a deletion, and a truth that goes away', away],
    [
      'the same, the message being lost',
      { ...away, lookUps: [A, B, B], writers: [A], faults: { ...away.faults, lostMessage: 1 } },
    ],
    ['a deletion, a new beginning, and a truth that goes away', madeAgain],
    ['the same, a delete being overtaken by the next one', overtakenDelete],
    ['a flush', { ...race, writers: [A], faults: { flush: 1 } }],
    ['a flush, and late commands', { ...race, lookUps: 2, writers: [A], faults: { flush: 1, lateCommand: 1 } }],
    ['a Redis that is put back to a snapshot, and late commands', rolledBack],
    ['the same, a message being lost', { ...rolledBack, faults: { rollback: 1, lostMessage: 1 } }],
    ['the same with a deletion', { ...rolledBack, writes: ['delete'], faults: { rollback: 1, truthAway: 1 } }],
    ['an instance that is killed with its change half told', killed],
    ['the same, suspected for ten minutes', { ...killed, writers: [A], faults: { ...killed.faults, tenMinutes: 1 } }],
  ];
  test.each(spaces)('%s', { timeout: TIMEOUT_MS }, (_, options) => {
    expect(holds(options)).toBe('holds');
  });
});

describe('G4, G5: the explorer sees what a wrong cache does:', () => {
  const mutants: readonly [Variant, RegExp, CacheModelOptions][] = [
    ['fill without token', /in the end Redis has 0 as fresh/, race],
    ['kept by an overtaken flight', /A answers fresh 0, though it knew of 1/, race],
    ['told before the delete', /B answers fresh 0, though it knew of 1/, race],
    ['no pendingBy', /B answers fresh 0, though it knew of 1/, late],
    ['own pending deletes forgotten', /A answers fresh 0, though it knew of 1/, late],
    ['suspicion cleared by an older delete', /B answers fresh 1, though it knew of 2/, suspected],
    ['acquitted after expiry', /in the end . has 0 as fresh/, minutes],
    ['replayed notice that drops', /G4: B has read the key from the truth, and has nothing left/, cutOff],
    ['gap not noticed', /in the end . has 0 as fresh/, lost],
    ['joined across a gap', /answers fresh 0, though it knew of 1/, lost],
    ['kept as fresh across a gap', /answers fresh 0, though it knew of 1/, lost],
    ['no replay after an outage', /in the end Redis has 0 as fresh/, rolledBack],
    ['mark written before the deletes', /answers fresh 0, though it knew of 1/, rolledBack],
    ['no feed', /in the end . has 0 as fresh/, killed],
    ['delete that forgets the one before', /B answers stale 0, though it knew of 1/, overtakenDelete],
    ['delete that expires', /answers stale 0, though it knew of 1/, away],
    ['stands in for what L2 calls deleted', /A answers stale 0, though it knew of 1/, away],
    ['negative entry that forgets a deletion', /A answers stale 0, though it knew of 1/, away],
    ['expire that forgets a deletion', /B answers stale 0, though it knew of 1/, madeAgain],
  ];
  test.each(mutants)('%s', { timeout: TIMEOUT_MS }, (variant, reason, options) => {
    expect(walk({ ...options, variant })).toMatch(reason);
    expect(holds(options)).toBe('holds');
  });
});
