import { contestants, LIMIT, loads, type Measured, measure } from './measure.ts';

export const measurements = (): readonly Measured[] =>
  contestants.flatMap((contestant) => Object.keys(loads).map((load) => measure(contestant, load)));

/** `docs/2.reference/accuracy.md`: written by `npm run docs`, and held to it by a test. */
export function accuracyPage(): string {
  const header = ['strategy', 'load', 'most in a window', 'stated', 'of what the log admits', 'room at a refusal'];
  const rows = measurements().map(({ contestant: { name, most, least }, load, mostInWindow, toLog, roomAtRefusal }) => {
    const skewed = load.includes('clocks');
    return [
      name,
      load,
      String(mostInWindow),
      skewed ? '' : `at most ${most}`,
      `${(100 * toLog).toFixed(1)} %${least === undefined || load !== 'steady' ? '' : `, stated at least ${(100 * least).toFixed(1)} %`}`,
      String(Math.max(0, roomAtRefusal)),
    ];
  });
  return `# How exact each strategy is

A limit of ${LIMIT} in a minute (the quota: in a day), and the same takes for each strategy; everything is measured against a sliding log, which
is exact on both sides. Written by \`npm run docs\` from the pure steps, the same code that the stores run; a test holds this page to it.

- **most in a window**: admitted in the fullest interval as long as the window, wherever it begins. Above ${LIMIT} is over-admission.
- **of what the log admits**: under 100 % is under-admission, over the whole run.
- **room at a refusal**: how many fewer than ${LIMIT} had been admitted in the last window when a take was refused, at worst.

The loads: *steady*, half as many again as the limit; *bursty*, up to 150 at once with pauses; *at the edges*, 100 just before and 100 just
after an edge of the clock; and steady takes that two instances decide by *two clocks, 5 s apart*, each by its own. The last is what the
Redis and PostgreSQL stores avoid: there the store's clock decides for all, and the line above it holds.

${table(header, rows)}

What to take from it: token bucket for most APIs (bursts are meant, one small key); \`burst\` makes it tight. A fixed window or quota
doubles at its edges, and is for what is billed by the calendar. The sliding window never admits too many, and what it refuses too early
shrinks with the number of sub-windows. The log is exact, for limits of up to 10,000.
`;
}

function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [line(header), line(header.map(() => '---')), ...rows.map(line)].join('\n');
}
