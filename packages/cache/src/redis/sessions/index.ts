export { type RedisSessionRecordsOptions, redisSessionRecords } from './redis-session-records.ts';
