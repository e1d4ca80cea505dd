import { has, hasWindows, isMade, MODES, OPERATIONS, ROWS, STORES, type StoreName } from './matrix.ts';

/** `docs/2.reference/limits.md`: written by `npm run docs`, and held to the code by the test of the matrix. */
export function limitsPage(): string {
  const modesOf = (store: StoreName) =>
    ROWS.map(
      ({ policy }) => MODES.filter((mode) => mode !== 'share' && isMade(policy, mode, store)).join(', ') || 'no',
    );
  const byStore = STORES.map(modesOf);
  const strategies = ROWS.map(({ title }, at) => [title, ...byStore.map((cells) => cells[at] ?? ''), 'yes']);

  const columns = STORES.flatMap((store) =>
    (['exact', 'lease'] as const)
      .filter((mode) => ROWS.some(({ policy }) => isMade(policy, mode, store)))
      .map((mode) => ({ title: `${store}, ${mode}`, mode, store })),
  ).concat([{ title: 'share', mode: 'share' as never, store: 'memory' }]);
  const operations = OPERATIONS.map((operation) => {
    const cells = columns.map(({ mode, store }) => {
      const rows = ROWS.filter(({ policy }) => isMade(policy, mode, store));
      const count = rows.filter(({ policy }) => has(operation, policy, mode, store)).length;
      return count === rows.length ? 'yes' : count === 0 ? 'no' : 'see below';
    });
    return [operation, ...cells];
  });

  const ends = { true: 'its window, or `maxAge`', false: '`maxAge`', undefined: 'takes none' } as const;
  const counts = { true: 'within its window', false: 'what has not refilled', undefined: 'no' } as const;
  const details = ROWS.map(({ title, policy }) => {
    const windows = `${hasWindows(policy)}` as keyof typeof ends;
    const isLeased = isMade(policy, 'lease', 'memory');
    const id = policy.strategy === 'concurrency' ? 'needed: holds by it' : 'charged once';
    return [
      title,
      id,
      REFUNDS[policy.strategy as keyof typeof REFUNDS],
      isLeased ? ends[windows] : 'takes none',
      policy.strategy === 'sliding-window' ? 'while its sub-window counts' : counts[windows],
    ];
  });

  return `# Limits: what goes with what

Written by \`npm run docs\`; a test makes a limiter of every combination, on real servers, and tries each operation. What a combination does
not have is refused when the limiter is made, with the alternative (\`takeNow\`: when it is called).

## Strategies, stores and modes

Mode \`share\` has no store; \`memory\` is a store in this process, where leases work and save nothing.

${table(['strategy', ...STORES, 'mode `share`'], strategies)}

With several policies a limiter has the modes that all of them have.

## Operations

The same for each strategy that a store and mode has, except where it says so.

${table(['operation', ...columns.map(({ title }) => title)], operations)}

*hand-over*: what this instance's share gave while the store was away is charged with the next take of the key, if that was certainly not
charged: it was not sent, or the store refused it with an error (full, a missing right, read-only). A take that ran into its deadline may have been
charged, and one with an \`id\` is known to the store alone: they are not handed over. A \`take with id\` asks the
store in mode \`lease\`, too. \`block\` and \`reset\` reach the leases of other instances within \`maxAge\`; in mode \`share\`, this instance alone.

## Several subjects in one step

| | memory | Redis, plain or Sentinel | Redis Cluster | PostgreSQL | mode \`share\` |
| --- | --- | --- | --- | --- | --- |
| several policies of one subject | yes | yes | yes | yes | yes |
| policies of several subjects: \`createMixedLimiter\` | yes, not leased | yes, not leased | no | no | yes |

Where it says no, the limiter is refused when it is made, with the [two calls](../1.guide/several-policies.md) to make instead. Strategies may be mixed everywhere.

## Strategies of your own

[\`defineStrategy\`](../1.guide/own-strategy.md): in memory and mode \`share\` with its pure step; on Redis with its Lua, too; not on PostgreSQL. All operations; no leases, and
nothing is handed over.

## By strategy

${table(['strategy', '`id`', '`refund` gives back', 'a lease ends with', 'handed over after an outage'], details)}
`;
}

const REFUNDS = {
  'token-bucket': 'by its age',
  gcra: 'by its age',
  'fixed-window': 'within its window',
  'sliding-window': 'within its sub-window, else those before',
  'sliding-log': 'its entry, else those before',
  quota: 'within its period',
  concurrency: 'by its id, all slots together',
} as const;

function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [line(header), line(header.map(() => '---')), ...rows.map(line)].join('\n');
}
