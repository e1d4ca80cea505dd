import { readFileSync } from 'node:fs';

const FILE = new URL('../../deploy/nginx/spillway.conf', import.meta.url);

/** The shipped nginx configuration, with our ports between its marked lines. */
export function nginxConfig(options: { readonly port: number; readonly instances: readonly number[] }): string {
  const { instances } = options;
  const servers = [
    ...instances.map((port) => `server 127.0.0.1:${port} max_fails=3 fail_timeout=5s;`),
    ...instances.map((port) => `server 127.0.0.1:${port} backup max_fails=0;`),
  ];
  const listens = [`listen 127.0.0.1:${options.port} default_server;`, `listen [::1]:${options.port} default_server;`];
  return between(between(readFileSync(FILE, 'utf8'), 'instances', servers), 'listen', listens);
}

function between(text: string, mark: string, lines: readonly string[]): string {
  const [begin, end] = [`# ${mark}: begin`, `# ${mark}: end`];
  const [from, to] = [text.indexOf(begin), text.indexOf(end)];
  if (from === -1 || to < from)
    throw new Error(`deploy/nginx/spillway.conf has lost its lines "${begin}" and "${end}"`);
  return `${text.slice(0, from + begin.length)}\n    ${lines.join('\n    ')}\n    ${text.slice(to)}`;
}
