import { createDatabaseIn, freePort, temporaryDirectory } from '@spillway/testkit';
import { expect, inject } from 'vitest';
import { parseConfig } from '../../src/config.ts';
import { problemSchema } from '../../src/http/problem.ts';
import { type Instance, startInstance } from '../../src/instance.ts';

export const ADMIN_KEY = 'admin-key-of-the-api-tests';

/** Where the truth and the shared state of the service under test live. */
export const CONFIGURATIONS = ['SQLite', 'PostgreSQL', 'PostgreSQL and Redis'] as const;
export type ConfigurationName = (typeof CONFIGURATIONS)[number];

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into bodies of any shape
  readonly body: any;
}

export interface ApiService extends AsyncDisposable {
  readonly url: string;
  readonly instance: Instance;
  /**
   * Sends a request and checks what holds for every answer: the status is one that `/openapi.json` names for the route, errors
   * are problems, and `X-Served-By` names the instance.
   */
  call(method: string, path: string, options?: CallOptions): Promise<Answer>;
  /** Which statuses `/openapi.json` names for a path and method; undefined where it does not know the path. */
  documented(method: string, path: string): readonly number[] | undefined;
  /** As `call`, with a fresh link's body; returns the link. */
  create(body?: Record<string, unknown>): Promise<Answer['body']>;
  /** Asks for a short link without following it. */
  visit(path: string, headers?: Record<string, string>): Promise<Answer>;
}

export interface CallOptions {
  readonly body?: unknown;
  /** Default: the admin key; null: none. */
  readonly key?: string | null;
  readonly headers?: Record<string, string>;
}

/** The service in this process, on a database of its own. */
export async function startApiService(name: ConfigurationName, env: Record<string, string> = {}): Promise<ApiService> {
  const directory = temporaryDirectory({ name: 'api' });
  const database = name === 'SQLite' ? undefined : await createDatabaseIn(inject('postgresUrl'));
  const port = await freePort();
  const config = parseConfig({
    PORT: String(port),
    DATA_DIR: directory.path,
    ADMIN_KEY,
    SPILLWAY_SECRET: 'the-secret-of-the-api-tests',
    DATABASE_URL: database?.url,
    ...(name === 'PostgreSQL and Redis' ? { REDIS_URL: inject('redisUrl'), REDIS_PREFIX: `api_${port}` } : {}),
    TRUSTED_PROXIES: 'loopback',
    LOG_LEVEL: 'error',
    ...env,
  });
  const instance = await startInstance(config, {
    name: 'api-test',
    version: '0.0.0',
    readMetrics: undefined,
    showAdminKey: () => undefined,
  });
  const url = `http://localhost:${port}`;
  const documented = await documentedStatuses(url);

  const call: ApiService['call'] = async (method, path, { body, key = ADMIN_KEY, headers = {} } = {}) => {
    const response = await fetch(url + path, {
      method,
      redirect: 'manual',
      headers: {
        ...(key === null ? {} : { 'x-api-key': key }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const answer = await toAnswer(response);
    expect(answer.headers.get('x-served-by')).toBe('api-test');
    if (answer.status >= 400) expectProblem(answer);
    const statuses = documented(method, path);
    if (statuses !== undefined) expect(statuses, `${method} ${path}`).toContain(answer.status);
    return answer;
  };
  return {
    url,
    instance,
    call,
    documented,
    async create(body = {}) {
      const answer = await call('POST', '/api/v1/links', { body: { url: 'https://example.com/target', ...body } });
      expect(answer.status, answer.text).toBe(201);
      return answer.body;
    },
    async visit(path, headers = {}) {
      const answer = await toAnswer(await fetch(url + path, { redirect: 'manual', headers }));
      const statuses = /^\/[\w-]+$/.test(path) ? documented('GET', path) : undefined;
      if (statuses !== undefined) expect(statuses, `GET ${path}`).toContain(answer.status);
      return answer;
    },
    async [Symbol.asyncDispose]() {
      await instance.stop();
      await database?.drop();
      await directory.close();
    },
  };
}

async function toAnswer(response: Response): Promise<Answer> {
  const text = await response.text();
  const json = /\bjson\b/.test(response.headers.get('content-type') ?? '') && text !== '';
  return { status: response.status, headers: response.headers, text, body: json ? JSON.parse(text) : undefined };
}

export function expectProblem(answer: Answer): void {
  expect(answer.headers.get('content-type'), answer.text).toBe('application/problem+json');
  const problem = problemSchema.parse(answer.body);
  expect(problem.status).toBe(answer.status);
  expect(problem.detail.length).toBeGreaterThan(10);
  expect(problem.instance).toMatch(/^(\/|urn:uuid:)/);
  if (answer.status === 429 || answer.status === 503) expect(answer.headers.get('retry-after')).toMatch(/^\d+$/);
}

/**
 * By the OpenAPI document: which statuses a path may answer with; undefined for paths that it does not name. A method that the
 * path does not take is answered by no route: any of the path's methods may name that.
 */
async function documentedStatuses(url: string) {
  const document = (await (await fetch(`${url}/openapi.json`)).json()) as {
    paths: Record<string, Record<string, { responses: Record<string, unknown> }>>;
  };
  const routes = Object.entries(document.paths).map(([template, methods]) => ({
    pattern: new RegExp(`^${template.replace(/\{[^}]+\}/g, '[^/]+')}$`),
    methods,
  }));
  // The plainest template first: /links/batch before /links/{code}.
  routes.sort((a, b) => a.pattern.source.split('[^/]+').length - b.pattern.source.split('[^/]+').length);
  return (method: string, path: string): number[] | undefined => {
    const plain = path.split('?', 1)[0] ?? path;
    const named = routes.filter(({ pattern }) => pattern.test(plain));
    // A HEAD is answered as a GET is.
    const name = method === 'HEAD' ? 'get' : method.toLowerCase();
    const route = named.find(({ methods }) => name in methods) ?? named[0];
    if (route === undefined) return undefined;
    const { [name]: operation, ...others } = route.methods;
    const operations = operation === undefined ? Object.values(others) : [operation];
    return operations.flatMap(({ responses }) => Object.keys(responses).map(Number));
  };
}
