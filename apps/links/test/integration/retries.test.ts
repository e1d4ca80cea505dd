import { StoreUnavailableError } from '@spillway/kernel';
import { until } from '@spillway/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ApiService, CONFIGURATIONS, startApiService } from '../support/api-client.ts';

describe.each(CONFIGURATIONS.slice(0, 2))('a retry with its Idempotency-Key, on %s', (configuration) => {
  let api: ApiService;
  beforeAll(async () => {
    api = await startApiService(configuration);
  });
  afterAll(async () => {
    await api?.[Symbol.asyncDispose]();
  });
  const url = 'https://example.com/';
  const make = (key: string, body: Record<string, unknown>) =>
    api.call('POST', '/api/v1/links', { body: { url, ...body }, headers: { 'idempotency-key': key } });
  const makeBatch = async (key: string, links: unknown[]) =>
    (await api.call('POST', '/api/v1/links/batch', { body: { links }, headers: { 'idempotency-key': key } })).body
      .results;

  test('gets its link even after that has expired, alone and in a batch', async () => {
    const expiresAt = new Date(Date.now() + 1_500).toISOString();
    const made = await make('short-lived', { expiresAt });
    const [row] = await makeBatch('short-lived-too', [{ url, expiresAt }]);
    expect([made.status, row.status]).toEqual([201, 201]);
    await until(() => Date.now() > Date.parse(expiresAt));
    const again = await make('short-lived', { expiresAt });
    expect([again.status, again.headers.get('idempotency-replayed')]).toEqual([201, 'true']);
    expect(again.body).toEqual(made.body);
    expect(await makeBatch('short-lived-too', [{ url, expiresAt }])).toEqual([{ ...row, status: 200 }]);
  });

  test('may not be the first with an expiry that has passed, and its key stays free', async () => {
    const expiresAt = '2001-01-01T00:00:00Z';
    const errors = [{ field: 'expiresAt', message: 'must be in the future, got "2001-01-01T00:00:00Z"' }];
    expect(await make('late', { expiresAt })).toMatchObject({ status: 422, body: { errors } });
    expect(await makeBatch('late', [{ url, expiresAt }])).toMatchObject([{ status: 422, problem: { errors } }]);
    expect(await api.call('POST', '/api/v1/links', { body: { url, expiresAt } })).toMatchObject({
      status: 422,
      body: { errors },
    });
    expect((await make('late', {})).status).toBe(201);
    const wrong = await make('wrong', { expiresAt: 'tomorrow', url: 'ftp://x', more: 1 });
    expect(wrong.body.errors.map(({ field }: { field: string }) => field).sort()).toEqual(['expiresAt', 'more', 'url']);
  });

  test('is told when its link has been deleted since', async () => {
    const { body: made } = await make('deleted', {});
    expect((await api.call('DELETE', `/api/v1/links/${made.code}`)).status).toBe(204);
    const again = await make('deleted', {});
    expect(again).toMatchObject({ status: 409, body: { type: 'urn:spillway:problem:retry-gone' } });
    expect(again.body.detail).toContain('use a new key');
    expect((await make('another', {})).status).toBe(201);
  });

  test('a change that is answered with 503 was not made: its clicks are counted before it', async () => {
    const { code } = await api.create({ title: 'before' });
    const { reports } = api.instance.services.database;
    const { query } = reports;
    const busy = () => Promise.reject(new StoreUnavailableError('report'));
    Object.assign(reports, { query: busy });
    const answer = await api.call('PATCH', `/api/v1/links/${code}`, { body: { title: 'after' } });
    Object.assign(reports, { query });
    expect(answer.status).toBe(503);
    expect((await api.call('GET', `/api/v1/links/${code}`)).body.title).toBe('before');
  });
});
