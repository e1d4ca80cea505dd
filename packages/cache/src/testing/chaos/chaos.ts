import { ConfigurationError, StoreUnavailableError, seededRandom } from '@spillway/kernel';

/** How likely what is, from 0 to 1, and together at most 1. Default: all 0. */
export interface Weather {
  /** Rejected, and not done. */
  readonly refuse?: number;
  /** Done, and rejected: its answer was lost. */
  readonly loseReply?: number;
  /** Rejected, and done later: it was stuck on its way. */
  readonly late?: number;
  /** Answered, but later. */
  readonly slow?: number;
  /** Neither done nor answered, ever: for ports without a deadline of their own, as a loader. */
  readonly hang?: number;
  /** What was kept or sent is gone: an entry of a store before it is asked for, a message of a bus. */
  readonly lose?: number;
}

export type Fault = keyof Weather;

export interface ChaosOptions {
  /** The same seed and the same calls meet the same faults. A failing test should print it. */
  readonly seed: number;
  readonly weather?: Weather;
  /** At most so long is what comes later: default 20. */
  readonly laterMs?: number;
  /** How time passes. Default: timers. */
  readonly wait?: (ms: number) => Promise<void>;
}

/** Faults that a test can replay; the doubles of the ports ask it what happens to each call. */
export interface Chaos {
  /** May be changed at any time; `{}` is calm. */
  weather: Weather;
  /** How often each has struck: a test that met none has shown nothing. */
  readonly struck: Readonly<Record<Fault, number>>;
  /** Whether this one strikes now. */
  strikes(fault: Fault): boolean;
  /** The work under the weather, but for `lose`. */
  call<Result>(operation: string, work: () => Promise<Result>): Promise<Result>;
  /** Waits for some time within `laterMs`. */
  later(): Promise<void>;
}

const FAULTS: readonly Fault[] = ['refuse', 'loseReply', 'late', 'slow', 'hang', 'lose'];

/** @throws {ConfigurationError} when what is likely is not from 0 to 1, or more than that together */
export function createChaos({ seed, weather = {}, laterMs = 20, wait = byTimer }: ChaosOptions): Chaos {
  const random = seededRandom(seed);
  const struck = { refuse: 0, loseReply: 0, late: 0, slow: 0, hang: 0, lose: 0 };
  let current = parse(weather);

  /** One throw of the dice decides between all of these. */
  const draw = (among: readonly Fault[]): Fault | undefined => {
    let left = random();
    for (const fault of among) {
      left -= current[fault] ?? 0;
      if (left >= 0) continue;
      struck[fault] += 1;
      return fault;
    }
    return undefined;
  };
  const later = (): Promise<void> => wait(Math.ceil(random() * laterMs));

  return {
    get weather() {
      return current;
    },
    set weather(next) {
      current = parse(next);
    },
    struck,
    strikes: (fault) => draw([fault]) !== undefined,
    later,
    async call(operation, work) {
      const fault = draw(['refuse', 'loseReply', 'late', 'slow', 'hang']);
      switch (fault) {
        case undefined:
        case 'lose':
          return await work();
        case 'refuse':
          throw new StoreUnavailableError(operation, undefined, 'refused', { mayHaveRun: false });
        case 'loseReply':
          await work();
          throw new StoreUnavailableError(operation);
        case 'late':
          void later()
            .then(work)
            .catch(() => undefined);
          throw new StoreUnavailableError(operation);
        case 'slow':
          await later();
          return await work();
        case 'hang':
          return await new Promise<never>(() => undefined);
        default:
          return fault satisfies never;
      }
    },
  };
}

const byTimer = (ms: number): Promise<void> => new Promise((resolve) => void setTimeout(resolve, ms));

function parse(weather: Weather): Weather {
  const issues = FAULTS.flatMap((path) => {
    const share = weather[path] ?? 0;
    return typeof share === 'number' && share >= 0 && share <= 1
      ? []
      : [{ path, message: `must be from 0 to 1, got ${share}` }];
  });
  const whole = FAULTS.reduce((sum, fault) => sum + (weather[fault] ?? 0), 0);
  if (issues.length === 0 && whole > 1)
    issues.push({ path: 'refuse', message: `and the others must be at most 1 together, got ${whole}` });
  if (issues.length > 0) throw new ConfigurationError('There is no such weather', issues);
  return weather;
}
