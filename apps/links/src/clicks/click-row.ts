import type { Click } from './click.ts';
import { readAgent } from './read-agent.ts';

/** A click as its table holds it. */
export interface ClickRow {
  readonly linkId: number;
  readonly atMs: number;
  readonly visitor: bigint;
  readonly bot: boolean;
  readonly country: string;
  readonly browser: string;
  readonly system: string;
  readonly device: string;
  /** Empty for a direct visit. */
  readonly referrer: string;
}

export function toRow(click: Click): ClickRow {
  const agent = readAgent(click.userAgent);
  return {
    linkId: click.linkId,
    atMs: click.atMs,
    visitor: click.visitor,
    bot: agent.bot,
    country: click.country,
    browser: agent.browser,
    system: agent.system,
    device: agent.device,
    referrer: referrerOf(click.referrer),
  };
}

/** `-` is how access logs write "none". */
function referrerOf(sent: string): string {
  return sent === '-' ? '' : textOf(sent);
}

/**
 * Node reads header bytes as Latin-1. Where they are UTF-8 in truth, that is what they are kept as.
 * Neither database takes a NUL in a text, and none can be in a header; a click from elsewhere loses it.
 */
function textOf(header: string): string {
  if (/^[ -~]*$/.test(header)) return header;
  const bytes = Buffer.from(header, 'latin1');
  const text = bytes.toString('utf8');
  return (text.includes('\ufffd') ? header : text).replaceAll('\0', '');
}
