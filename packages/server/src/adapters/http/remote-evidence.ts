import {
  bundlePath,
  decodeBundle,
  type EntryBatch,
  type NoteSignature,
  parseCheckpoint,
  parseNote,
  partialWidth,
  type StoredCheckpoint,
  TILE_WIDTH,
  type TrailEvidence,
  tilePath,
} from '@sealtrail/core';
