import type { CacheState, Delete, Entry, Flight, Instance, Late, Message, Store } from './state.ts';

/** Tokens matter only as equal or not. Written by hand: most of the time goes here. */
export const keyOf = (state: CacheState): string => oriented(state, 0);

/** The same where the instances are alike. */
export function keyOfTwins(state: CacheState): string {
  const [first = ''] = [oriented(state, 0), oriented(state, 1)].sort();
  return first;
}

function oriented(state: CacheState, first: number): string {
  const names = new Map<number, number>();
  const token = (of: number | undefined): string => {
    if (of === undefined) return '';
    const known = names.get(of) ?? names.size;
    names.set(of, known);
    return `t${known}`;
  };
  const entry = (of: Entry | undefined): string => {
    if (of === undefined || of.kind === 'absent') return '-';
    const version = 'version' in of ? of.version : '';
    const more = of.kind === 'value' ? `${of.fresh ? '!' : ''}${of.deletion ?? ''}` : '';
    return `${of.kind[0]}${token(of.token)}v${version}${more}`;
  };
  const store = (of: Store | undefined): string =>
    of === undefined ? '-' : `${entry(of.entry)}m${of.mark ?? 'x'}d${of.deleted},${of.barred}`;
  const flight = (of: Flight | undefined): string =>
    of === undefined
      ? '-'
      : `${of.phase}${entry(of.found)}${token(of.token)}l${of.loaded ?? ''}s${of.standby ?? ''}${of.overtaken?.[0] ?? ''}${of.beforeGap ? 'g' : ''}a${of.attempt}o${of.owed},${of.owedStale}`;
  const sent = (of: Delete): string =>
    `${of.version}${of.as[0]}${of.bars}${of.by[0]}${of.newest ? 'n' : ''}${of.covers ? 'c' : ''}${of.phase[0]}`;
  const instance = (of: Instance): string => {
    if (!of.alive) return 'dead';
    const { l1, gate, pending } = of;
    return [
      of.link,
      typeof gate === 'string' ? gate : gate.upTo,
      l1 === undefined ? '-' : `${l1.version}${l1.fresh ? '!' : ''}`,
      flight(of.flight),
      of.loose.map(flight).sort(),
      pending === undefined ? '' : `${pending.version}${pending.as[0]}${pending.bars}`,
      of.suspects,
      of.deletes.map(sent).sort(),
      of.fills.map((fill) => `${fill.version}${token(fill.token)}`).sort(),
      of.unsaid,
      of.settled,
      `${of.heard},${of.barred}${of.knows ? 'k' : ''}`,
    ].join('/');
  };
  const late = (of: Late): string =>
    of.op === 'fill' ? `f${of.version}${token(of.token)}` : `d${of.version}${of.as[0]}${of.bars}`;
  const message = (of: Message): string =>
    `${of.kind[0]}${of.kind[1]}${of.version}${'pending' in of && of.pending ? 'p' : ''}${'as' in of ? of.as[0] : ''}`;
  const { truth, writers, truthAway, lookUps, faults } = state;
  const second = 1 - first;
  return [
    `${truth}${writers.map((of) => (of === first ? 'a' : 'b')).join('')}${truthAway ? 'x' : ''}`,
    store(state.store),
    store(state.snapshot),
    instance(state.instances[first] as Instance),
    instance(state.instances[second] as Instance),
    (state.bus[first] ?? []).map(message),
    (state.bus[second] ?? []).map(message),
    state.late.map(late).sort(),
    lookUps,
    Object.values(faults).join(''),
    state.broken ?? '',
  ].join('|');
}
