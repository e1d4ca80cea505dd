import { clientKey } from '@spillway/limit';
import type { FastifyInstance } from 'fastify';
import type { Visit } from './clicks/click.ts';
import { clickRoutes } from './clicks/routes.ts';
import { clickTotals } from './clicks/stats.ts';
import { dependencies } from './health/health.ts';
import { healthRoutes } from './health/health-routes.ts';
import { createApi } from './http/api.ts';
import { docsRoutes } from './http/docs-routes.ts';
import { createRequestCounts } from './http/request-counts.ts';
import { createHttpServer, type HttpServer } from './http/server.ts';
import { createAuthorize } from './keys/authorize.ts';
import { clientAddressOf, createAuthorizeAnonymous } from './keys/authorize-anonymous.ts';
import { keyRoutes } from './keys/key-routes.ts';
import { createCallerCharges } from './limits/caller-charges.ts';
import { charge, limitProblem } from './limits/limit-answers.ts';
import { limitRoutes } from './limits/limit-routes.ts';
import { createFindResembled } from './links/host-look.ts';
import { createLeadsBack } from './links/leads-back.ts';
import { addressOf } from './links/link-address.ts';
import { linkRoutes } from './links/link-routes.ts';
import { ownHosts } from './links/target.ts';
import { createMetrics, type Metrics } from './metrics/metrics.ts';
import { metricsRoutes } from './metrics/metrics-routes.ts';
import { pageRoutes } from './page/page-routes.ts';
import { planRoutes } from './plans/plan-routes.ts';
import { createClientAddresses } from './redirect/client-address.ts';
import { createRedirectCounts } from './redirect/outcomes.ts';
import { passwordRoutes } from './redirect/password-routes.ts';
import { codeOf, createRedirector, type Redirector } from './redirect/redirector.ts';
import { createApiRecorder } from './requests/api-recorder.ts';
import { createRequestRecorder, RECORDS_NOTHING } from './requests/recorder.ts';
import { requestRoutes } from './requests/routes.ts';
import type { Services } from './services.ts';

export interface App {
  readonly http: HttpServer;
  readonly api: FastifyInstance;
  readonly redirector: Redirector;
  readonly metrics: Metrics;
}

export interface AppOptions {
  readonly services: Services;
  readonly version: string;
  readonly draining: () => boolean;
  readonly onClick: (visit: Visit) => void;
  /** The metrics of all workers, where there are several. Default: this process's. */
  readonly readMetrics: (() => Promise<string>) | undefined;
}

const API = '/api/v1';

/** The service as HTTP: redirects in front, the API behind them. A feature is a Fastify plugin, registered here. */
export async function createApp({ services, version, draining, onClick, readMetrics }: AppOptions): Promise<App> {
  const { config, instance, log, clock, cache, store, domains, limits, keys, links, database } = services;
  const addresses = createClientAddresses(config.trustedProxies);
  const counts = { redirects: createRedirectCounts(), requests: createRequestCounts() };
  const { events } = services.requests;
  const requests =
    events === undefined
      ? RECORDS_NOTHING
      : createRequestRecorder({ publish: (request) => void events.publish(request), addresses, ...config.requests });
  const redirector = createRedirector({
    instance,
    cache,
    store,
    domains,
    addresses,
    limits,
    counts: counts.redirects,
    clock,
    onClick,
    requests,
    replayTime: config.replayTime,
    log,
  });
  const http = createHttpServer({ servedBy: instance, front: redirector.handle });
  const api = await createApi({
    http,
    instance,
    publicUrl: config.publicUrl,
    version,
    log,
    counts: counts.requests,
    onAnswered: createApiRecorder(requests, addresses),
    isLinkPath: (path) => codeOf(path) !== undefined,
  });
  // Of all domains that links live on, not only those still in the configuration: the others are served too.
  const hosts = [...domains.byHost.keys()];
  const own = ownHosts(config.publicUrl, hosts, config.port);
  const resembled = createFindResembled(hosts.map((host) => host.replace(/:\d+$/, '')));

  const charges = createCallerCharges(limits.plans, limits.api);
  const authorize = createAuthorize({
    keys,
    charge: charges.call,
    chargeUnknown: (request) => {
      const client = clientKey(clientAddressOf(request, addresses));
      const problem = limits.key && limitProblem(limits.key, limits.key.takeNow(client));
      if (problem !== undefined) throw problem;
    },
  });
  const authorizeCreate = createAuthorizeAnonymous({
    authorize,
    scope: 'links:write',
    mode: config.anonymousCreate,
    addresses,
    ownHosts: own,
    charge: (address, reply) => charge(limits.create, clientKey(address), reply),
  });
  // Whoever is on this machine tries the limits from the start page; everybody never, since limits are other programs' keys.
  const authorizeCheck = createAuthorizeAnonymous({
    authorize,
    scope: 'limits:check',
    mode: config.anonymousCreate === 'off' ? 'off' : 'local',
    addresses,
    ownHosts: own,
    charge: (address, reply) => charge(limits.api, `anonymous ${clientKey(address)}`, reply),
  });

  const metrics = createMetrics(services, { ...counts, recorder: requests });
  await api.register(metricsRoutes, { read: readMetrics ?? (async () => (await metrics.registry()).metrics()) });
  await api.register(docsRoutes);
  await api.register(pageRoutes, { stats: () => cache.stats(), plans: () => services.limits.planSource.plans });
  await api.register(healthRoutes, { name: instance, draining, dependencies: () => dependencies(services) });
  await api.register(passwordRoutes, {
    redirector,
    store,
    passwords: services.passwords,
    limiter: limits.password,
    addresses,
  });
  await api.register(
    async (v1) => {
      await v1.register(linkRoutes, {
        links,
        domains,
        rules: {
          leadsBack: createLeadsBack(own, config.port),
          resembled,
          privateTargets: config.allowPrivateTargets ? 'allowed' : 'refused',
        },
        authorize,
        authorizeCreate,
        chargeRows: charges.rows,
        clickTotals: (ids) => clickTotals(database.reports, ids),
      });
      await v1.register(keyRoutes, { keys, plans: limits.plans, authorize });
      await v1.register(planRoutes, { source: limits.planSource, authorize });
      await v1.register(requestRoutes, { sql: database.reports, authorize });
      await v1.register(limitRoutes, { checks: limits.checks, authorizeCheck });
      await v1.register(async (statistics) => {
        statistics.addHook('onRequest', authorize('stats:read'));
        await statistics.register(clickRoutes, {
          sql: database.reports,
          findLinkId: async (request, code) => {
            const { domain } = request.query as { domain?: string };
            return (await links.find(addressOf(domains, code, domain)))?.id;
          },
        });
      });
    },
    { prefix: API },
  );
  await api.ready();
  return { http, api, redirector, metrics };
}
