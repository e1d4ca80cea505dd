/**
 * `npm run bench [-- [--smoke] NAME ...]`: runs all benchmarks or the named ones, and writes `bench/results/latest.*`.
 * A partial run keeps the other entries of the last full one. `--smoke` writes nothing: it proves that all still run.
 */
import { existsSync, globSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Bench } from './harness.ts';
import { describeMachine } from './machine.ts';
import { type Entry, type Report, writeReport } from './report.ts';

const folder = fileURLToPath(new URL('.', import.meta.url));
const results = join(folder, '../results');
const files = globSync('questions/*.ts', { cwd: folder }).sort();
const known = files.map((file) => basename(file, '.ts'));

const given = process.argv.slice(2);
const size = given.includes('--smoke') ? 'smoke' : 'full';
const wanted = given.filter((word) => word !== '--smoke');
const unknown = wanted.filter((name) => !known.includes(name));
if (unknown.length > 0) {
  console.error(`No benchmark is called ${unknown.join(', ')}; there are ${known.join(', ')}`);
  process.exit(2);
}

const entries: Entry[] = [];
let failed = 0;
for (const name of wanted.length > 0 ? wanted : known) {
  const { bench } = (await import(`./questions/${name}.ts`)) as { bench: Bench };
  console.log(`\n${name}: ${bench.question}`);
  const started = performance.now();
  try {
    const result = await bench.run({ size, log: (line) => console.log(`  ${line}`) });
    const seconds = (performance.now() - started) / 1000;
    entries.push({ name, question: bench.question, seconds, result });
    for (const { what, value, bar, unit = '' } of result.ratios) {
      console.log(`  ${what}: ${value.toPrecision(3)} ${unit}${bar === undefined ? '' : ` (bar ${bar})`}`);
    }
  } catch (error) {
    failed += 1;
    console.error(`  ${name} gave no figure: ${error instanceof Error ? error.message : String(error)}`);
  }
}

if (size === 'full') {
  const last = join(results, 'latest.json');
  const before = existsSync(last) ? (JSON.parse(readFileSync(last, 'utf8')) as Report).entries : [];
  const kept = before.filter(({ name }) => known.includes(name) && !entries.some((entry) => entry.name === name));
  const all = [...kept, ...entries].sort((a, b) => known.indexOf(a.name) - known.indexOf(b.name));
  writeReport({ takenAt: new Date().toISOString(), machine: describeMachine(), entries: all }, results);
  console.log(`\nWritten: bench/results/latest.md`);
}
process.exitCode = failed === 0 ? 0 : 1;
