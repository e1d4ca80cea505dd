import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as echarts from 'echarts';
import { type BenchResult, passes, type Ratio } from './harness.ts';

export interface Entry {
  readonly name: string;
  readonly question: string;
  readonly seconds: number;
  readonly result: BenchResult;
}

export interface Report {
  readonly takenAt: string;
  readonly machine: Readonly<Record<string, string>>;
  readonly entries: readonly Entry[];
}

const number = (value: number): string =>
  Math.abs(value) >= 1000 ? Math.round(value).toLocaleString('en-US') : String(Number(value.toPrecision(3)));

function verdict(ratio: Ratio): string {
  if (ratio.bar === undefined) return '';
  if (!passes(ratio)) return 'not reached';
  return ratio.beyond !== undefined && passes({ ...ratio, bar: ratio.beyond }) ? 'beyond' : 'holds';
}

/** `latest.json`, `latest.md` and one bar chart per benchmark, in `folder`. */
export function writeReport(report: Report, folder: string): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'latest.json'), `${JSON.stringify(report, null, 2)}\n`);
  const charts = new Map(report.entries.flatMap((entry) => drawBars(entry)));
  for (const [file, svg] of charts) writeFileSync(join(folder, file), svg);
  writeFileSync(join(folder, 'latest.md'), toMarkdown(report, new Set(charts.keys())));
}

function toMarkdown({ takenAt, machine, entries }: Report, charts: ReadonlySet<string>): string {
  const lines = [
    '# Benchmarks',
    '',
    `Taken ${takenAt.slice(0, 10)} on ${machine.cores}, ${machine.memory}, Node ${machine.node}, Redis ${machine.redis}, PostgreSQL ${machine.postgresql}.`,
    'Every figure is a ratio to a reference measured in the same run, in turns, as a median; absolute values stand beside.',
    '',
    '| benchmark | what | measured | bar | beyond | |',
    '| --- | --- | --- | --- | --- | --- |',
  ];
  for (const { name, result } of entries) {
    for (const ratio of result.ratios) {
      const sign = ratio.better === 'higher' ? '>=' : '<=';
      const bound = (value: number | undefined) =>
        value === undefined ? '' : `${sign} ${number(value)}${ratio.unit ? ` ${ratio.unit}` : ''}`;
      const measured = `${number(ratio.value)}${ratio.unit ? ` ${ratio.unit}` : ''}`;
      lines.push(
        `| ${name} | ${ratio.what} | **${measured}** | ${bound(ratio.bar)} | ${bound(ratio.beyond)} | ${verdict(ratio)} |`,
      );
    }
  }
  for (const { name, question, seconds, result } of entries) {
    lines.push('', `## ${name}`, '', question, '');
    const columns = [...new Set(result.figures.flatMap((figure) => Object.keys(figure.values)))];
    lines.push(`| | ${columns.join(' | ')} |`, `| --- |${columns.map(() => ' --- |').join('')}`);
    for (const { contestant, values } of result.figures) {
      lines.push(
        `| ${contestant} | ${columns.map((column) => (values[column] === undefined ? '' : number(values[column]))).join(' | ')} |`,
      );
    }
    if (charts.has(`${name}.svg`)) lines.push('', `![${name}](${name}.svg)`);
    lines.push('', `Checked: ${result.checked} Took ${Math.round(seconds)} s.`);
    for (const note of result.notes ?? []) lines.push('', note);
  }
  return `${lines.join('\n')}\n`;
}

function drawBars({ name, result }: Entry): [string, string][] {
  const { chart, figures } = result;
  if (chart === undefined) return [];
  const bars = figures.filter((figure) => figure.values[chart] !== undefined);
  const drawing = echarts.init(null, null, { renderer: 'svg', ssr: true, width: 720, height: 90 + 34 * bars.length });
  drawing.setOption({
    animation: false,
    title: { text: `${name}: ${chart}`, textStyle: { fontSize: 14 } },
    grid: { left: 12, right: 80, top: 44, bottom: 8, containLabel: true },
    xAxis: { type: 'value', axisLabel: { hideOverlap: true } },
    yAxis: { type: 'category', inverse: true, data: bars.map((figure) => figure.contestant) },
    series: [
      {
        type: 'bar',
        data: bars.map((figure) => figure.values[chart]),
        label: { show: true, position: 'right', formatter: ({ value }: { value?: unknown }) => number(Number(value)) },
      },
    ],
  });
  const svg = drawing.renderToSVGString();
  drawing.dispose();
  return [[`${name}.svg`, svg]];
}
