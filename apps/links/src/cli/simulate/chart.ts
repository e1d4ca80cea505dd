import type { SimulationResult } from './simulation.ts';

/**
 * Requests over time as bars, allowed below and limited on top: a panel for each policy over one axis of time. Plain SVG
 * without scripts or fonts, in the reader's colours, light or dark.
 */
export function limitsChart(result: SimulationResult): string {
  const { timeline, policies } = result;
  const scale = scaleOf(timeline);
  const height = TOP + policies.length * PANEL + BOTTOM;
  const panels = policies.map((policy, at) => {
    const share = ((policy.limited * 100) / result.requests).toFixed(2);
    const caption = `${policy.label}: ${policy.limited} of ${result.requests} requests limited (${share} %), ${policy.clientsLimited} of ${result.clients} clients`;
    return panel(timeline, at, caption, scale);
  });
  const title = `Requests every ${spanName(timeline.spanMs)} (UTC), allowed and limited`;
  return `${[
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" aria-labelledby="title">`,
    `<title id="title">${escaped(title)}</title>`,
    `<style>${STYLE}</style>`,
    `<rect class="ground" width="${WIDTH}" height="${height}"/>`,
    `<text class="title" x="${LEFT}" y="26">${escaped(title)}</text>`,
    legend(),
    ...panels,
    timeAxis(scale, TOP + policies.length * PANEL - PANEL_FOOT),
    '</svg>',
  ].join('\n')}\n`;
}

type SpansOf = SimulationResult['timeline'];

const WIDTH = 880;
const LEFT = 56;
const RIGHT = 20;
const TOP = 44;
const BOTTOM = 28;
const PANEL = 170;
const PANEL_HEAD = 30;
const PANEL_FOOT = 14;
const PLOT = PANEL - PANEL_HEAD - PANEL_FOOT;

const STYLE = [
  'text{font:12px system-ui,sans-serif;fill:#333}',
  '.title{font-size:15px;font-weight:600}.caption{font-weight:600}',
  '.ground{fill:#fff}.grid{stroke:#ddd}.axis{stroke:#888}',
  '.allowed{fill:#3b76b0}.limited{fill:#d9480f}',
  '@media(prefers-color-scheme:dark){text{fill:#ddd}.ground{fill:#16191d}.grid{stroke:#33383f}',
  '.allowed{fill:#6ea8dc}.limited{fill:#ff9248}}',
].join('');

interface Scale {
  readonly firstMs: number;
  readonly lastMs: number;
  readonly barWidth: number;
  x(atMs: number): number;
  y(count: number): number;
  readonly ticks: readonly number[];
}

function scaleOf({ spanMs, spans }: SpansOf): Scale {
  const firstMs = spans[0]?.atMs ?? 0;
  const lastMs = (spans.at(-1)?.atMs ?? 0) + spanMs;
  const most = Math.max(1, ...spans.map(({ requests }) => requests));
  const step = niceStep(most / 4);
  const top = Math.ceil(most / step) * step;
  const perMs = (WIDTH - LEFT - RIGHT) / (lastMs - firstMs);
  return {
    firstMs,
    lastMs,
    barWidth: perMs * spanMs,
    x: (atMs) => LEFT + (atMs - firstMs) * perMs,
    y: (count) => PLOT * (1 - count / top),
    ticks: Array.from({ length: Math.round(top / step) + 1 }, (_, at) => at * step),
  };
}

function panel({ spans }: SpansOf, policy: number, caption: string, scale: Scale): string {
  const bars = (range: (span: SpansOf['spans'][number]) => readonly [from: number, to: number]) =>
    spans
      .map((span) => {
        const [from, to] = range(span).map((count) => scale.y(count)) as [number, number];
        const width = Math.max(1, scale.barWidth * 0.9);
        return from === to
          ? ''
          : `M${short(scale.x(span.atMs))} ${short(from)}V${short(to)}h${short(width)}V${short(from)}z`;
      })
      .join('');
  const allowed = (span: SpansOf['spans'][number]) => span.requests - (span.limited[policy] ?? 0);
  return [
    `<g transform="translate(0 ${TOP + policy * PANEL})">`,
    `<text class="caption" x="${LEFT}" y="18">${escaped(caption)}</text>`,
    `<g transform="translate(0 ${PANEL_HEAD})">`,
    ...scale.ticks.map((tick) => {
      const y = short(scale.y(tick));
      return `<path class="${tick === 0 ? 'axis' : 'grid'}" d="M${LEFT} ${y}H${WIDTH - RIGHT}"/><text x="${LEFT - 8}" y="${short(scale.y(tick) + 4)}" text-anchor="end">${tick}</text>`;
    }),
    `<path class="allowed" d="${bars((span) => [0, allowed(span)])}"/>`,
    `<path class="limited" d="${bars((span) => [allowed(span), span.requests])}"/>`,
    '</g></g>',
  ].join('\n');
}

function legend(): string {
  const entry = (name: string, x: number) =>
    `<rect class="${name}" x="${x}" y="16" width="12" height="12"/><text x="${x + 18}" y="26">${name}</text>`;
  return entry('allowed', WIDTH - RIGHT - 150) + entry('limited', WIDTH - RIGHT - 66);
}

/** In UTC. */
function timeAxis(scale: Scale, y: number): string {
  const spanMs = scale.lastMs - scale.firstMs;
  const step = TIME_STEPS.find((each) => spanMs / each <= 8) ?? Math.ceil(spanMs / 8 / DAY) * DAY;
  const labels: string[] = [];
  for (let atMs = Math.ceil(scale.firstMs / step) * step; atMs <= scale.lastMs; atMs += step) {
    const x = short(scale.x(atMs));
    labels.push(
      `<path class="axis" d="M${x} ${y}v5"/><text x="${x}" y="${y + 20}" text-anchor="middle">${timeLabel(atMs, step)}</text>`,
    );
  }
  return labels.join('\n');
}

const DAY = 86_400_000;
const TIME_STEPS = [1, 5, 15, 60, 300, 900, 3600, 10_800, 21_600, 43_200, 86_400].map((seconds) => seconds * 1000);

function timeLabel(atMs: number, step: number): string {
  const text = new Date(atMs).toISOString();
  if (step >= DAY) return text.slice(0, 10);
  return atMs % DAY === 0 ? text.slice(5, 10) : text.slice(11, step < 60_000 ? 19 : 16);
}

function spanName(ms: number): string {
  const units = [
    ['day', DAY],
    ['hour', 3_600_000],
    ['minute', 60_000],
    ['second', 1000],
  ] as const;
  const [name, length] = units.find(([, each]) => ms % each === 0) ?? ['second', 1000];
  const count = ms / length;
  return count === 1 ? name : `${count} ${name}s`;
}

/** 1, 2 or 5 times a power of ten, at least 1. */
function niceStep(least: number): number {
  const power = 10 ** Math.floor(Math.log10(Math.max(1, least)));
  return ([1, 2, 5, 10].find((each) => each * power >= least) ?? 10) * power;
}

const short = (value: number): string => String(Math.round(value * 100) / 100);

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

/** As text of XML 1.0: control characters have no place there at all. */
const escaped = (text: string): string =>
  text.replace(/[\p{Cc}\p{Cs}\uFFFE\uFFFF]/gu, '').replace(/[&<>"]/g, (each) => ENTITIES[each] ?? each);
