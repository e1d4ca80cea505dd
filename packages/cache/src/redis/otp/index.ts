export { type RedisOtpRecordsOptions, redisOtpRecords } from './redis-otp-records.ts';
