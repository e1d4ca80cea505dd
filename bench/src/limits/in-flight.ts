/** One decision: whether it was admitted. */
export type Take = (key: string) => Promise<boolean>;

export interface Pace {
  readonly perSecond: number;
  /** User and system time of this process, for each decision. */
  readonly cpuUs: number;
}

/** Names of clients, of one length. */
export const clients = (count: number): string[] =>
  Array.from({ length: count }, (_, at) => `client-${String(at).padStart(8, '0')}`);

/** Keeps so many decisions under way for so long, over all keys in turns. @throws {Error} when one is a refusal */
export async function pace(take: Take, keys: readonly string[], inFlight: number, seconds: number): Promise<Pace> {
  const endsAt = performance.now() + seconds * 1000;
  let next = 0;
  let refused = 0;
  const caller = async (): Promise<void> => {
    while (performance.now() < endsAt) {
      const key = keys[next % keys.length] as string;
      next += 1;
      if (!(await take(key))) refused += 1;
    }
  };
  const cpu = process.cpuUsage();
  const startedAt = performance.now();
  await Promise.all(Array.from({ length: inFlight }, caller));
  const tookMs = performance.now() - startedAt;
  const { user, system } = process.cpuUsage(cpu);
  if (refused > 0) throw new Error(`${refused} of ${next} takes were refused, far below the limit`);
  return { perSecond: (next * 1000) / tookMs, cpuUs: (user + system) / next };
}

/** Asks half as often again as the limit allows, all at once. @throws {Error} unless exactly the limit is admitted, of each key */
export async function checkLimit(contestant: string, take: Take, limit: number): Promise<void> {
  for (const key of ['ada', 'grace', 'two words: {x}']) {
    const answers = await Promise.all(Array.from({ length: limit + limit / 2 }, () => take(key)));
    const admitted = answers.filter(Boolean).length;
    if (admitted !== limit) throw new Error(`${contestant} admitted ${admitted} of a limit of ${limit}`);
  }
}
