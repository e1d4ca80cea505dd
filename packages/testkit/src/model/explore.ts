/**
 * An explicit-state model checker: walks *every* interleaving of a small model, breadth first, so that a violation comes with
 * a shortest trace. A state is visited once: states are told apart by their full key, never by a hash that might collide, so
 * "holds" means that all reachable states were seen. Time and memory grow with the number of states; ~100,000 states a second.
 * The method is that of TLC and SPIN: breadth-first search over a graph of states.
 */
export interface Model<State> {
  readonly initial: State;
  /** Everything that may happen next, by whomever. Pure: never changes the state it is given. None: the model is at rest. */
  steps(state: State): Iterable<ModelStep<State>>;
  /** What is broken in this state, in words, or undefined. Asked in every state. */
  invariant(state: State): string | undefined;
  /** The same, asked only where nothing can happen any more: that is where "in the end" and "never stuck" are checked. */
  atRest?(state: State): string | undefined;
  /**
   * Equal for equal states, different for different ones; default `JSON.stringify`, so keep sets as sorted arrays. A key that
   * leaves out what can not matter any more, or that sorts twins, makes the space smaller.
   */
  key?(state: State): string;
  /** A space that is larger gives `unfinished`, never `holds`. Default 2,000,000. */
  readonly maxStates?: number;
}

export interface ModelStep<State> {
  /** What happened, for the trace: `"B: INSERT 2 commits, answer lost"`. */
  readonly name: string;
  readonly next: State;
}

export type Exploration<State> =
  | { readonly outcome: 'holds'; readonly states: number; readonly steps: number; readonly resting: number }
  | {
      readonly outcome: 'violated';
      readonly reason: string;
      /** From the first step to the one that broke it; no trace is shorter. */
      readonly trace: readonly ModelStep<State>[];
      readonly states: number;
    }
  | { readonly outcome: 'unfinished'; readonly states: number };

export function explore<State>(model: Model<State>): Exploration<State> {
  const { maxStates = 2_000_000, key = (state) => JSON.stringify(state) } = model;
  const seen = new Set<string>([key(model.initial)]);
  // By number of discovery: who found the state, and with which of its steps. The trace is replayed from these two.
  const foundBy: number[] = [-1];
  const foundWith: number[] = [-1];
  let frontier: { number: number; state: State }[] = [{ number: 0, state: model.initial }];
  let steps = 0;
  let resting = 0;

  const violated = (reason: string, number: number): Exploration<State> => {
    const path: number[] = [];
    for (let at = number; at > 0; at = foundBy[at] ?? 0) path.unshift(foundWith[at] ?? 0);
    return { outcome: 'violated', reason, trace: replay(model, path), states: foundBy.length };
  };

  const broken = model.invariant(model.initial);
  if (broken !== undefined) return violated(broken, 0);

  while (frontier.length > 0) {
    const deeper: typeof frontier = [];
    for (const { number, state } of frontier) {
      let index = 0;
      for (const { next } of model.steps(state)) {
        const nextKey = key(next);
        steps += 1;
        if (!seen.has(nextKey)) {
          if (seen.size >= maxStates) return { outcome: 'unfinished', states: seen.size };
          seen.add(nextKey);
          foundBy.push(number);
          foundWith.push(index);
          const reason = model.invariant(next);
          if (reason !== undefined) return violated(reason, foundBy.length - 1);
          deeper.push({ number: foundBy.length - 1, state: next });
        }
        index += 1;
      }
      if (index === 0) {
        resting += 1;
        const reason = model.atRest?.(state);
        if (reason !== undefined) return violated(reason, number);
      }
    }
    frontier = deeper;
  }
  return { outcome: 'holds', states: seen.size, steps, resting };
}

function replay<State>(model: Model<State>, path: readonly number[]): ModelStep<State>[] {
  const trace: ModelStep<State>[] = [];
  let state = model.initial;
  for (const index of path) {
    const step = [...model.steps(state)][index];
    if (step === undefined) throw new Error('steps() is not pure: the same state gave other steps the second time');
    trace.push(step);
    state = step.next;
  }
  return trace;
}

/** A counter-example as text, one numbered step per line, the reason last. */
export function formatTrace<State>(exploration: Exploration<State>): string {
  if (exploration.outcome !== 'violated') return `${exploration.outcome} (${exploration.states} states)`;
  const lines = exploration.trace.map((step, index) => `${String(index + 1).padStart(3)}. ${step.name}`);
  return [...lines, `  => ${exploration.reason}`].join('\n');
}
