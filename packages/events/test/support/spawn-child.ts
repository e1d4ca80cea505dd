import { type ChildProcessHandle, spawnProcess } from '@spillway/testkit';
import type { ChildSettings } from './child.ts';

export interface Child extends ChildProcessHandle {
  /** The last line of this kind, without its first word; undefined when it never said so. */
  said(kind: string): string | undefined;
  /** All lines of this kind. */
  all(kind: string): string[];
}

export async function spawnChild(settings: ChildSettings): Promise<Child> {
  const child = spawnProcess({
    name: settings.name,
    module: new URL('./child.ts', import.meta.url),
    nodeArgs: ['--conditions=spillway-source'],
    args: [JSON.stringify(settings)],
    readyWhen: (line) => line === 'ready',
    keepLines: 100_000,
  });
  await child.ready;
  const all = (kind: string): string[] =>
    child.stdout.filter((line) => line.startsWith(`${kind} `)).map((line) => line.slice(kind.length + 1));
  return Object.assign(child, { all, said: (kind: string) => all(kind).at(-1) });
}
