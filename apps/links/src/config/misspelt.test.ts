import { expect, test } from 'vitest';
import { misspeltSettings } from './misspelt.ts';

test.each([
  ['SPILLWAY_SECRETT', 'SPILLWAY_SECRET'],
  ['SPILWAY_SECRTE', 'SPILLWAY_SECRET'],
  ['DATABASE_URLL', 'DATABASE_URL'],
  ['DATABSE_ULR', 'DATABASE_URL'],
  ['DATABASEURL', 'DATABASE_URL'],
  ['REDIS_URI', 'REDIS_URL'],
  ['TRUSTED_PROXIS', 'TRUSTED_PROXIES'],
  ['LOGLEVEL', 'LOG_LEVEL'],
  ['WORKER', 'WORKERS'],
])('%s is taken for %s', (written, meant) => {
  expect(misspeltSettings({ [written]: 'x' })).toEqual([
    { path: written, message: `is no setting and not read; is it ${meant}?` },
  ]);
});

test('what systems, shells, containers and others set is no misspelling', () => {
  const usual =
    'PATH HOME USER LOGNAME SHELL TERM LANG LC_ALL TZ PWD OLDPWD SHLVL MAIL TMPDIR EDITOR PAGER DISPLAY HOSTNAME HOSTTYPE ' +
    'GHOST HOSTS PORTS SPORT NODE_ENV NODE_OPTIONS NODE_PATH INIT_CWD COLOR npm_config_cache npm_execpath INVOCATION_ID ' +
    'JOURNAL_STREAM LISTEN_PID LISTEN_FDS NOTIFY_SOCKET XDG_DATA_DIRS XDG_CACHE_HOME DATA CACHE_DIR CACHE_URL CACHE_DB ' +
    'REDIS_HOST REDIS_PORT REDIS_DB REDIS_USER REDIS_TLS_URL REDIS_SERVICE_HOST REDIS_PORT_6379_TCP DATABASE_HOST ' +
    'DATABASE_PORT DATABASE_NAME DATABASE_USER DATABASE_PASSWORD POSTGRES_URL PGHOST PGPORT PGDATA DB_URL PUBLIC_KEY ' +
    'PUBLIC_DIR ADMIN_USER API_KEY SECRET_KEY KUBERNETES_SERVICE_HOST KUBERNETES_PORT RATE_LIMIT LOG_FILE LOG_FORMAT ' +
    'WORKSPACE WORKDIR INSTANCE_ID SPILLWAY_KEY SPILLWAY_SERVER SPILLWAY_WORKER_NUMBER CI DEBUG';
  expect(misspeltSettings(Object.fromEntries(usual.split(' ').map((name) => [name, 'x'])))).toEqual([]);
});

test('a setting itself, an empty one, and one beside the setting that it is near to are no misspelling', () => {
  expect(misspeltSettings({ DATABASE_URL: 'x', DATABASE_URI: 'x', REDIS_ULR: '', CACHE_L1: 'off' })).toEqual([]);
});
