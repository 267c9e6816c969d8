export {
  type Actor,
  type Change,
  type Context,
  type ErrorCode,
  type ErrorDetail,
  type Event,
  type Receipt,
  SealtrailError,
  type Source,
  type Target,
} from '@sealtrail/core';
export type { Clock, RandomBytes } from './clock.ts';
export { currentContext, fillFromContext, type RecordContext, setActor, withContext } from './context.ts';
export { type HttpTransportOptions, httpTransport } from './http-transport.ts';
export type { RecorderProducer } from './producer-sequences.ts';
export {
  createRecorder,
  type QueueingRecorder,
  type Recorder,
  type RecorderOptions,
  type RecorderSettings,
} from './recorder.ts';
export type { DeliveryResult, EncodedEvent, Transport } from './transport.ts';
