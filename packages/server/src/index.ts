export { SealtrailError } from '@sealtrail/core';
export type { Config, ConfigInput } from './config.ts';
export { parseConfig } from './config.ts';
export { type Engine, openEngine } from './main.ts';
export {
  type EventSearchOptions,
  openSealtrail,
  type Sealtrail,
  type SealtrailOptions,
} from './sealtrail.ts';
export { serveEngine } from './serve-engine.ts';
export { type FolderVerdict, type VerifyFolderOptions, verifyFolder } from './verify/verify-folder.ts';
