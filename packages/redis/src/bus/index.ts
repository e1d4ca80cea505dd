export type { GapReason } from '../core/bus-receiver.ts';
export type { BusGapMessage } from './channels.ts';
export { type BusOptions, createBus } from './create-bus.ts';
export type { BusListener, BusListening, BusTransport } from './transport.ts';
