import { defineStrategy, type OwnPolicy, type Verdict, verdictOf } from '@spillway/limit';

/** `limit` tries, which all come back together once there was none for `pause`: for passwords and codes. */
export interface QuietPolicy extends OwnPolicy {
  readonly limit: number;
  readonly pause: `${number}${'s' | 'm' | 'h' | 'd'}`;
  /** Derived: microseconds. */
  readonly pauseUs: number;
}

interface Tries {
  readonly firstUs: number;
  readonly lastUs: number;
  readonly taken: number;
}

/** Tries that still count: nobody was quiet for long enough. */
const live = ({ pauseUs }: QuietPolicy, state: Tries | undefined, nowUs: number): Tries | undefined =>
  state !== undefined && nowUs < state.lastUs + pauseUs ? state : undefined;

function judge(
  policy: QuietPolicy,
  tries: Tries | undefined,
  nowUs: number,
  cost: number,
  outcome: Verdict['outcome'],
) {
  const allUs = tries === undefined ? 0 : tries.lastUs + policy.pauseUs - nowUs;
  // Below zero after the limit was lowered.
  const remaining = Math.max(0, policy.limit - (tries?.taken ?? 0));
  return verdictOf(
    outcome,
    policy.capacity,
    cost,
    { remaining, refillAfterUs: allUs, resetAfterUs: allUs },
    () => allUs,
  );
}

export const quiet = defineStrategy<QuietPolicy, Tries, Pick<QuietPolicy, 'limit' | 'pause'>>({
  name: 'quiet',
  options: ['limit', 'pause'],
  read(fields) {
    const limit = fields.count('limit', 1, 1e12);
    const { text, us } = fields.duration('pause');
    return { limit, capacity: limit, pause: text as QuietPolicy['pause'], pauseUs: us };
  },
  share(policy, parts) {
    const limit = Math.max(1, Math.floor(policy.limit / parts));
    return { ...policy, limit, capacity: limit };
  },
  steps: {
    take(policy, state, nowUs, cost) {
      const tries = live(policy, state, nowUs);
      // A refusal costs nothing: the state that was given, the same object.
      if (cost > policy.limit - (tries?.taken ?? 0))
        return { verdict: judge(policy, tries, nowUs, cost, 'denied'), state };
      const after = {
        firstUs: tries?.firstUs ?? nowUs,
        // A clock that went back makes nobody quiet.
        lastUs: Math.max(nowUs, tries?.lastUs ?? 0),
        taken: (tries?.taken ?? 0) + cost,
      };
      return { verdict: judge(policy, after, nowUs, cost, 'allowed'), state: after };
    },
    peek(policy, state, nowUs, cost) {
      const tries = live(policy, state, nowUs);
      const fits = cost <= policy.limit - (tries?.taken ?? 0);
      return judge(policy, tries, nowUs, cost, fits ? 'allowed' : 'denied');
    },
    refund(policy, state, nowUs, cost, taken) {
      const tries = live(policy, state, nowUs);
      // Of tries that were forgotten nothing comes back.
      if (tries === undefined || (taken?.atUs ?? nowUs) < tries.firstUs) return state;
      return tries.taken > cost ? { ...tries, taken: tries.taken - cost } : undefined;
    },
    expiresAtUs: ({ pauseUs }, { lastUs }) => lastUs + pauseUs,
    spanUs: ({ pauseUs }) => pauseUs,
  },
});
