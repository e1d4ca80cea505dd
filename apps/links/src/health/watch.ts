import type { Logger } from '../log.ts';
import type { Dependency } from './health.ts';

const EVERY_MS = 1_000;
/** Losses are told of at most so often, with how many there were since. */
const LOSSES_EVERY_MS = 10_000;

type Losses = Readonly<Record<string, number>>;

export interface WatchOptions {
  readonly dependencies: () => readonly Dependency[];
  /** What was lost since the start, by what it is and then by reason. Default: nothing ever. */
  readonly dropped?: Readonly<Record<string, () => Losses>>;
  readonly log: Pick<Logger, 'info' | 'warn' | 'error'>;
  readonly now?: () => number;
}

/** Looks once; for tests. */
export interface Watch {
  look(): void;
  close(): void;
}

/** Says in the log when something that the service leans on goes, what does not work without it, and when it is back; and losses. */
export function watchHealth(options: WatchOptions): Watch {
  const { dependencies, dropped = {}, log, now = () => performance.now() } = options;
  let away = new Map<string, Dependency>();
  const losses = Object.entries(dropped).map(([what, read]) => createLossWatch(what, read, log, now));

  const lookAtDependencies = () => {
    const awayNow = new Map(dependencies().flatMap((one) => (one.state === 'up' ? [] : [[one.name, one] as const])));
    for (const [name, { state, without }] of awayNow) {
      if (away.get(name)?.state !== state) log.warn({ dependency: name, state }, `${name} is ${state}: ${without}`);
    }
    for (const name of away.keys())
      if (!awayNow.has(name)) log.info({ dependency: name, state: 'up' }, `${name} is up again`);
    away = awayNow;
  };
  const look = () => {
    lookAtDependencies();
    for (const lookAtLosses of losses) lookAtLosses();
  };
  const timer = setInterval(look, EVERY_MS);
  timer.unref();
  return { look, close: () => clearInterval(timer) };
}

function createLossWatch(what: string, dropped: () => Losses, log: WatchOptions['log'], now: () => number): () => void {
  let told = dropped();
  let toldAtMs = Number.NEGATIVE_INFINITY;
  return () => {
    if (now() - toldAtMs < LOSSES_EVERY_MS) return;
    const total = dropped();
    const lost = Object.entries(total).flatMap(([reason, count]) => {
      const since = count - (told[reason] ?? 0);
      return since > 0 ? [[reason, since] as const] : [];
    });
    if (lost.length === 0) return;
    told = total;
    toldAtMs = now();
    const sum = lost.reduce((all, [, count]) => all + count, 0);
    log.error({ dropped: Object.fromEntries(lost) }, `${sum} ${what} were lost`);
  };
}
