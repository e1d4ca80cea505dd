import type { ModelStep } from '@spillway/testkit';
import {
  become,
  enter,
  type LeaseState,
  type LeaseVariant,
  type Message,
  nameOf,
  type Process,
  spend,
  tell,
  wake,
} from './lease-state.ts';

type Step = ModelStep<LeaseState>;

/** Messages arrive, in any order, or are lost. */
export function* deliveries(state: LeaseState, variant: LeaseVariant): Iterable<Step> {
  for (const message of state.messages) {
    const rest = { ...state, messages: state.messages.filter((each) => each !== message) };
    const process = state.processes[message.to] as Process;
    if (process.state === 'dead') {
      yield { name: 'a message to the dead', next: rest };
      continue;
    }
    if (process.state === 'running') {
      const next = receive(rest, message, process, variant);
      yield { name: `${nameOf(message.to)} is told: ${message.kind}`, next };
    }
    if (state.faults.lost > 0) {
      yield { name: `${nameOf(message.to)} is not told: ${message.kind}`, next: spend(rest, 'lost') };
    }
  }
}

function receive(state: LeaseState, message: Message, { phase, heard }: Process, variant: LeaseVariant): LeaseState {
  const at = message.to;
  if (message.kind === 'invalidated') return phase.at === 'waiting' ? enter(state, at, { at: 'asking' }) : state;
  const { token, ending } = message;
  if (phase.at === 'waiting') return phase.token === token ? wake(state, at, ending) : state;
  const awaits = phase.at === 'asking' || phase.at === 'answered';
  if (!awaits || variant === 'news before the answer is forgotten') return state;
  return become(state, at, { heard: [...heard, [token, ending]] });
}

export function* faults(state: LeaseState): Iterable<Step> {
  for (const [at, { state: life, phase }] of state.processes.entries()) {
    if (life === 'dead' || phase.at === 'idle' || phase.at === 'done') continue;
    const who = nameOf(at);
    if (state.faults.kill > 0) {
      yield { name: `${who} is killed`, next: spend(become(state, at, { state: 'dead', heard: [] }), 'kill') };
    }
    if (life === 'stopped') yield { name: `${who} goes on`, next: become(state, at, { state: 'running' }) };
    else if (state.faults.stop > 0) {
      yield { name: `${who} is stopped`, next: spend(become(state, at, { state: 'stopped' }), 'stop') };
    }
  }
  const { lease, entry } = state;
  if (lease !== undefined && state.processes[lease.holder]?.state !== 'running') {
    yield { name: 'the lease ends', next: { ...state, lease: undefined, allowed: state.allowed + 1 } };
  }
  if (state.faults.change > 0) {
    const deleted: LeaseState =
      entry.kind === 'nothing'
        ? state
        : { ...state, entry: { kind: 'deleted', token: state.nextToken }, nextToken: state.nextToken + 1 };
    const changed = spend({ ...deleted, allowed: state.allowed + 1 }, 'change');
    yield { name: 'the key is invalidated', next: tell(changed, -1, 'invalidated') };
  }
}
