import { type CacheReport, reportChannel } from './channels.ts';
import type { CacheStats } from './stats.ts';

interface Reporting {
  readonly name: string;
  stats(): CacheStats;
}

/** A cache that nobody holds any more, and nobody closed, answers no longer. */
const forgotten = new FinalizationRegistry<(report: unknown) => void>((answer) => reportChannel.unsubscribe(answer));

/** Tells what the cache holds whenever somebody asks. Keeps it from nothing: neither from its end nor from being collected. */
export function answerReports(cache: Reporting): () => void {
  const weak = new WeakRef(cache);
  const answer = (report: unknown): void => {
    const alive = weak.deref();
    if (alive !== undefined && typeof report === 'function') (report as CacheReport)(alive.name, alive.stats());
  };
  reportChannel.subscribe(answer);
  forgotten.register(cache, answer, answer);
  return () => {
    forgotten.unregister(answer);
    reportChannel.unsubscribe(answer);
  };
}
