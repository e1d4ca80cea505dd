// Fills what a scenario bounds with ever new keys, and prints after each stage how many bytes this process holds on to.
// Run with --expose-gc, the scenario's name as the argument.
import { memoryScenarios } from './memory-scenarios.ts';

const [name = ''] = process.argv.slice(2);
const scenario = memoryScenarios[name];
if (scenario === undefined) throw new Error(`No scenario is called "${name}"`);

const { gc } = globalThis;
if (gc === undefined) throw new Error('Run with --expose-gc');

function heldBytes(): number {
  for (let round = 0; round < 3; round += 1) gc?.();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

const begin = heldBytes();
const bytes: number[] = [];
const { use, stages, close } = await scenario();
let next = 0;
for (const keys of stages) {
  // As many at once as a busy process has under way.
  for (; next < keys; next += 250) {
    const under = [];
    for (let at = next; at < next + 250; at += 1) {
      const waits = use(at);
      if (waits !== undefined) under.push(waits);
    }
    if (under.length > 0) await Promise.all(under);
  }
  bytes.push(heldBytes() - begin);
}
// Also keeps the scenario from being collected until here.
await close?.();
console.log(JSON.stringify(bytes));
