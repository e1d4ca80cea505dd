import { describe, expect, test } from 'vitest';
import { type BreakerEvent, INITIAL_BREAKER, MISSES_TO_OPEN, transition } from '../../src/core/breaker.ts';
import { fc } from './support.ts';

const EVENTS: BreakerEvent[] = ['success', 'miss', 'lost', 'probe', 'probe-succeeded', 'probe-failed'];
const history = fc.array(fc.constantFrom(...EVENTS), { maxLength: 60 });

describe('the breaker', () => {
  test('follows a model that only counts: misses in a row, and the probe that is out', () => {
    fc.assert(
      fc.property(history, (events) => {
        let state = INITIAL_BREAKER;
        let passing = false;
        let missesInARow = 0;
        let probeOut = false;
        let failures = 0;
        for (const event of events) {
          const before = state;
          state = transition(state, event);
          // A probe goes out if this event moved the breaker to half-open.
          const sent = before.name !== 'half-open' && state.name === 'half-open';
          if (sent) {
            expect(event).toBe('probe');
            expect(passing).toBe(false);
            expect(probeOut).toBe(false);
            probeOut = true;
          } else if (probeOut && (event === 'probe-succeeded' || event === 'probe-failed' || event === 'lost')) {
            probeOut = false;
            if (event === 'probe-succeeded') {
              passing = true;
              missesInARow = 0;
            } else {
              failures += 1;
            }
          } else if (passing && event === 'success') {
            missesInARow = 0;
          } else if (passing && event === 'lost') {
            passing = false;
            failures = 1;
          } else if (passing && event === 'miss') {
            missesInARow += 1;
            if (missesInARow === MISSES_TO_OPEN) {
              passing = false;
              failures = 1;
            }
          }
          expect(state.name).toBe(passing ? 'closed' : probeOut ? 'half-open' : 'open');
          if (state.name === 'closed') expect(state.misses).toBe(missesInARow);
          else expect(state.failures).toBe(failures);
        }
      }),
      { numRuns: 5_000 },
    );
  });

  test('closes again from any state, by one probe that comes back', () => {
    fc.assert(
      fc.property(history, (events) => {
        let state = events.reduce(transition, INITIAL_BREAKER);
        if (state.name === 'half-open') state = transition(state, 'probe-failed');
        if (state.name === 'closed') state = transition(state, 'lost');
        state = transition(state, 'probe');
        expect(transition(state, 'probe-succeeded')).toEqual({ name: 'closed', misses: 0 });
      }),
    );
  });

  test('a store that answers in time once in a while stays closed', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: MISSES_TO_OPEN - 1 })), (bursts) => {
        let state = transition(transition(INITIAL_BREAKER, 'probe'), 'probe-succeeded');
        for (const misses of bursts) {
          for (let miss = 0; miss < misses; miss++) state = transition(state, 'miss');
          state = transition(state, 'success');
        }
        expect(state).toEqual({ name: 'closed', misses: 0 });
      }),
    );
  });
});
