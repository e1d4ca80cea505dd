export type { MemoryRecordsOptions } from '../secrets/memory-records-options.ts';
export { createOtpStore, type OtpStore, type OtpVerdict } from './create-otp-store.ts';
export { memoryOtpRecords } from './memory-otp-records.ts';
export type { OtpAttempt, OtpRecord, OtpRecords } from './otp-records.ts';
export type { OtpStoreOptions } from './parse-otp-options.ts';
