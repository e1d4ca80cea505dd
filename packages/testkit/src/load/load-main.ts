// The load generator's own process: a plan as the first line on stdin, `stop` as a later one; lines of JSON on stdout.
import { createInterface } from 'node:readline';
import { type LoadConnection, loadConnection } from './load-connection.ts';
import type { LoadPlan } from './load-plan.ts';
import { createLoadRecorder } from './load-recorder.ts';
import { requestSource } from './request-source.ts';

const PROGRESS_MS = 50;
/** Time that requests in flight get when the run is over. */
const DRAIN_MS = 2_000;

const input = createInterface({ input: process.stdin });
input.once('line', (line) => run(JSON.parse(line) as LoadPlan));
// The parent is gone, or wants no more.
input.once('close', () => process.exit(0));

function run(plan: LoadPlan): void {
  const recorder = createLoadRecorder(plan);
  const next = requestSource(plan);
  const total = plan.total ?? Number.POSITIVE_INFINITY;
  const { rate, timeoutMs = 10_000 } = plan;
  const startedAt = performance.now();
  const idle: LoadConnection[] = [];
  let number = 0;
  let over = false;

  const start = (connection: LoadConnection, intended: number) =>
    connection.send(next(number++, connection.host), intended);

  const connections = Array.from({ length: plan.connections ?? 16 }, (_, i) => {
    const target = new URL(plan.targets[i % plan.targets.length] ?? '');
    const connection: LoadConnection = loadConnection(target, recorder, timeoutMs, () => becameIdle(connection));
    return connection;
  });

  /** When request n should start: in bursts on whole milliseconds, so that no busy loop is needed to be on time. */
  const intendedAt = (n: number) => startedAt + Math.ceil((n * 1_000) / (rate ?? 1));

  const becameIdle = (connection: LoadConnection) => {
    if (over || number >= total) return finishWhenDone();
    if (rate === undefined) start(connection, performance.now());
    else if (intendedAt(number) <= performance.now()) start(connection, intendedAt(number));
    else idle.push(connection);
  };

  const tick = () => {
    const now = performance.now();
    while (!over && number < total && idle.length > 0 && intendedAt(number) <= now) {
      // The one that has been idle longest: all connections, and so all targets, get their share.
      start(idle.shift() as LoadConnection, intendedAt(number));
    }
  };

  const timers = [
    setInterval(() => process.stdout.write(`${JSON.stringify({ progress: recorder.progress() })}\n`), PROGRESS_MS),
    setInterval(
      () => {
        const now = performance.now();
        for (const connection of connections) connection.expire(now);
      },
      Math.min(100, timeoutMs / 2),
    ),
  ];
  if (rate !== undefined) timers.push(setInterval(tick, 1));
  if (plan.durationMs !== undefined) timers.push(setTimeout(() => end(), plan.durationMs));

  const end = () => {
    if (over) return;
    over = true;
    timers.push(setTimeout(finish, DRAIN_MS));
    finishWhenDone();
  };
  let finished = false;
  const finish = () => {
    if (finished) return;
    finished = true;
    for (const timer of timers) clearInterval(timer);
    // What never got its answer is an error, not nothing.
    const { sent } = recorder.progress();
    for (let left = sent - recorder.done; left > 0; left--) recorder.failed('timeout');
    for (const connection of connections) connection.close();
    const report = `${JSON.stringify({ report: recorder.report() })}\n`;
    process.stdout.write(report, () => process.exit(0));
  };
  const finishWhenDone = () => {
    if ((over || number >= total) && recorder.done >= number) finish();
  };

  input.on('line', (line) => {
    if (line === 'stop') end();
  });
  for (const connection of connections) becameIdle(connection);
  const stayAwake = () => {
    if (!finished) setImmediate(stayAwake);
  };
  if (plan.waits === 'awake') stayAwake();
}
