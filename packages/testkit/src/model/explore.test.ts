import { describe, expect, test } from 'vitest';
import { explore, formatTrace, type Model } from './explore.ts';

/** Two clerks read a counter, add one, and write it back; `atomic` makes it one step. */
interface Counter {
  readonly value: number;
  readonly read: readonly (number | null)[];
  readonly done: number;
}

const counter = (kind: 'atomic' | 'racy'): Model<Counter> => ({
  initial: { value: 0, read: [null, null], done: 0 },
  *steps(state) {
    if (kind === 'atomic') {
      if (state.done < 2) yield { name: 'add', next: { ...state, value: state.value + 1, done: state.done + 1 } };
      return;
    }
    for (const clerk of [0, 1]) {
      const mine = state.read[clerk];
      if (mine === null) {
        yield { name: `${clerk} reads`, next: { ...state, read: state.read.with(clerk, state.value) } };
      } else if (mine !== undefined && mine >= 0) {
        const read = state.read.with(clerk, -1);
        yield { name: `${clerk} writes`, next: { value: mine + 1, read, done: state.done + 1 } };
      }
    }
  },
  invariant: () => undefined,
  atRest: (state) => (state.value === 2 ? undefined : `two additions made ${state.value}`),
});

describe('the explorer', () => {
  test('counts the states of a model that holds', () => {
    expect(explore(counter('atomic'))).toEqual({ outcome: 'holds', states: 3, steps: 2, resting: 1 });
  });

  test('finds the lost update, with a shortest trace', () => {
    const found = explore(counter('racy'));
    expect(formatTrace(found)).toBe(
      ['  1. 0 reads', '  2. 1 reads', '  3. 0 writes', '  4. 1 writes', '  => two additions made 1'].join('\n'),
    );
  });

  test('never calls a space that it did not finish sound', () => {
    const endless: Model<number> = {
      initial: 0,
      steps: (state) => [{ name: 'up', next: state + 1 }],
      invariant: () => undefined,
      maxStates: 100,
    };
    expect(explore(endless)).toEqual({ outcome: 'unfinished', states: 100 });
  });

  test('reports a first state that is broken already, with an empty trace', () => {
    const found = explore<number>({ initial: 7, steps: () => [], invariant: (state) => `${state} is odd` });
    expect(found).toMatchObject({ outcome: 'violated', reason: '7 is odd', trace: [] });
  });
});
