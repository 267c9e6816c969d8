export { SealtrailError } from '@sealtrail/core';
export type { Config, ConfigInput } from './config.ts';
export { parseConfig } from './config.ts';
export { type Engine, openEngine, serveEngine } from './main.ts';
export {
  type EventSearchOptions,
  openSealtrail,
  type Sealtrail,
  type SealtrailOptions,
} from './sealtrail.ts';
export { type FolderVerdict, type VerifyFolderOptions, verifyFolder } from './verify/verify-folder.ts';
