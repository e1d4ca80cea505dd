import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ApiService, CONFIGURATIONS, startApiService } from '../support/api-client.ts';
import { rawRequest, sendRaw } from '../support/raw-http.ts';

describe.each(CONFIGURATIONS)('the Host of a request, on %s', (configuration) => {
  const alias = 'dup-a';
  let api: ApiService;
  beforeAll(async () => {
    api = await startApiService(configuration, {
      DOMAINS: 'go.example, short.example:8443',
      PUBLIC_URL: 'https://links.example',
    });
    await api.create({ url: 'https://example.com/default', alias });
    await api.create({ url: 'https://example.com/go', alias, domain: 'go.example' });
    await api.create({ url: 'https://example.com/port', alias, domain: 'short.example:8443' });
  });
  afterAll(async () => {
    await api?.[Symbol.asyncDispose]();
  });
  /** Fetch writes its own Host, so this one goes by hand. */
  const visit = async (host: string, method = 'GET') => {
    const { status, head } = await sendRaw(api.instance.port, rawRequest(`${method} /${alias}`, { Host: host }));
    return { status, location: /^location: (.*)$/im.exec(head)?.[1] };
  };

  test.each([
    ['go.example', 'go'],
    ['go.example:18083', 'go'],
    ['go.example:80', 'go'],
    ['go.example:443', 'go'],
    ['go.example:', 'go'],
    ['go.example.', 'go'],
    ['GO.Example.:80', 'go'],
    ['short.example:8443', 'port'],
    ['SHORT.example.:8443', 'port'],
    // A domain with a port is that port alone.
    ['short.example', 'default'],
    ['short.example:80', 'default'],
    ['links.example:8080', 'default'],
    ['go.example..', 'default'],
    ['xgo.example', 'default'],
  ])('%s is the domain of the link %s', async (host, link) => {
    for (let i = 0; i < 2; i += 1) {
      expect(await visit(host)).toEqual({ status: 302, location: `https://example.com/${link}` });
    }
  });

  test('a form finds the same link, and so does the API', async () => {
    const only = await api.create({ domain: 'go.example' });
    const post = (host: string) => sendRaw(api.instance.port, rawRequest(`POST /${only.code}`, { Host: host }));
    expect((await post('Go.Example.:80')).status).toBe(405);
    expect((await post('links.example:80')).status).toBe(404);
    const shown = await api.call('GET', `/api/v1/links/${alias}?domain=Go.example.`);
    expect(shown.body).toMatchObject({ url: 'https://example.com/go', domain: 'go.example' });
  });

  test.each(['127.0.0.2', 'foo.localhost', '[::ffff:127.0.0.1]', '0.0.0.0'])(
    'no link leads to %s on its port',
    async (host) => {
      const body = { url: `http://${host}:${api.instance.port}/x` };
      const { status, body: problem } = await api.call('POST', '/api/v1/links', { body });
      expect(status).toBe(422);
      expect(problem.errors).toMatchObject([
        { message: expect.stringContaining('must not lead back to this service') },
      ]);
    },
  );
});
