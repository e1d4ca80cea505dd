import { SingleBar } from 'cli-progress';

export interface Progress {
  /** `done` of `total`; how much is unknown when `total` is. `note` stands behind the bar. */
  update(done: { readonly read: number; readonly total: number } | undefined, note: string): void;
  /** A line above the bar. */
  say(line: string): void;
  close(): void;
}

/** A bar on standard error when that is a terminal, else nothing but what is said. */
export function openProgress(title: string): Progress {
  if (!process.stderr.isTTY) {
    return { update: () => undefined, say: (line) => console.error(line), close: () => undefined };
  }
  const bar = new SingleBar({
    format: `${title} [{bar}] {percentage}%  {note}`,
    hideCursor: false,
    clearOnComplete: true,
    stream: process.stderr,
    fps: 8,
    barsize: 30,
  });
  bar.start(1, 0, { note: '' });
  return {
    update(done, note) {
      if (done !== undefined) bar.setTotal(Math.max(1, done.total));
      bar.update(done?.read ?? 0, { note });
    },
    say(line) {
      process.stderr.write(`\r\x1b[2K${line}\n`);
    },
    close: () => bar.stop(),
  };
}
