export { builtInSource, builtInSources, sourceView } from './built-in-sources.ts';
export { loadMapping } from './load-mapping.ts';
export type { SourceMapping } from './mapping-schema.ts';
export type { Omission } from './record.ts';
export { type MapOptions, type Mapped, Source } from './source.ts';
export {
  deadLetterPageSchema,
  type ImportResponse,
  importResponseSchema,
} from './source-api.ts';
export { type LineClock, parseSourceTime } from './source-time.ts';
