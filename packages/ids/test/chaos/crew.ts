import { join } from 'node:path';
import {
  type ChildProcessHandle,
  checkUnique,
  type HistoryEvent,
  readHistory,
  spawnProcess,
  temporaryDirectory,
  until,
} from '@spillway/testkit';

/** Several processes that give out ids from one source, and what they gave out, the killed ones included. */
export function createCrew(env: Readonly<Record<string, string>>) {
  const directory = temporaryDirectory({ name: 'ids' });
  const files: string[] = [];
  const members: ChildProcessHandle[] = [];

  const issuedBy = (member: ChildProcessHandle): number =>
    Number(/^issued (\d+)/.exec(member.stdout.findLast((line) => line.startsWith('issued')) ?? '')?.[1] ?? 0);

  return {
    members,
    start(): ChildProcessHandle {
      const name = `instance ${members.length + 1}`;
      const file = join(directory.path, `${files.length}.ndjson`);
      files.push(file);
      const member = spawnProcess({
        name,
        module: new URL('./allocate.ts', import.meta.url),
        nodeArgs: ['--conditions=spillway-source'],
        env: { ...env, NAME: name, HISTORY: file },
        readyWhen: (line) => line.startsWith('issued'),
      });
      // Whoever waits for it sees the rejection; one that is killed before it is ready must not end the run.
      member.ready.catch(() => undefined);
      members.push(member);
      return member;
    },
    /** Waits until each of them has given out `count` more. */
    async progress(count: number, of: readonly ChildProcessHandle[] = members) {
      const goals = of.filter(({ running }) => running).map((member) => ({ member, goal: issuedBy(member) + count }));
      await until(() => goals.every(({ member, goal }) => issuedBy(member) >= goal || !member.running), {
        timeoutMs: 60_000,
        what: `${count} more ids each (${goals.map(({ member }) => member.stderr.slice(-3).join(' '))})`,
      });
    },
    /** Ends those that still run, by SIGTERM. Returns how each process of the crew ended. */
    async stop() {
      return Promise.all(members.map((member) => (member.running ? member.stop() : member.exited)));
    },
    /** Of those that ended by themselves. */
    conflicts: () =>
      members
        .map(({ stdout }) => /"conflicts":(\d+)/.exec(stdout.at(-1) ?? '')?.[1])
        .reduce((sum, conflicts) => sum + Number(conflicts ?? 0), 0),
    histories: (): HistoryEvent[][] => files.map((file) => readHistory(file)),
    violations: () => checkUnique(files.map((file) => readHistory(file))),
    async close() {
      await Promise.all(members.map((member) => member.close()));
      await directory.close();
    },
  };
}
