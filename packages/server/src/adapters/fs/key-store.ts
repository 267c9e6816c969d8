import { readdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { trailName } from '@sealtrail/core';
import type { KeyStore, TrailRecord, WriteFault } from '../../ports.ts';
import { writeDurably } from '../durable-file.ts';
import { isThere, readRegularFile } from '../regular-file.ts';
import type { DataFolder } from './data-folder.ts';
import { PolicyFile } from './policy-file.ts';

/** Many times what a key takes. */
const maxKeyBytes = 4096;

/** Signing keys as files of mode 0600, one a trail; their verifier keys go into the folder's trust policy. */
export class FsKeyStore implements KeyStore {
  readonly #folder: DataFolder;
  readonly #policy: PolicyFile;

  constructor(folder: DataFolder, fault?: WriteFault) {
    this.#folder = folder;
    this.#policy = new PolicyFile(folder.policy, fault);
  }

  /**
   * Removes keys that a crash has left half-written or without their names: no trail was ever made with one. For the owner
   * of the folder, when it starts.
   */
  removeLeftOvers(): void {
    for (const entry of readdirSync(this.#folder.keys, { withFileTypes: true }))
      if (entry.name.endsWith('.key.new') && !entry.isDirectory())
        rmSync(path.join(this.#folder.keys, entry.name));
  }

  read(trail: string): string | undefined {
    return readRegularFile(this.#file(trail), maxKeyBytes)?.trim();
  }

  create(trail: string, skey: string): void {
    const file = this.#file(trail);
    if (!isThere(file)) writeDurably(file, `${skey}\n`, 0o600);
  }

  trust(vkeys: readonly string[]): void {
    this.#policy.add(vkeys);
  }

  isTrusted(vkey: string): boolean {
    return this.#policy.has(vkey);
  }

  othersThan(trails: readonly TrailRecord[]): readonly string[] {
    const names = new Set(trails.map(({ name }) => name));
    const origins = new Set(trails.map(({ origin }) => origin));
    const found = readdirSync(this.#folder.keys)
      .flatMap((file) => /^(.+)\.key$/.exec(file)?.[1] ?? [])
      .filter((name) => trailName.safeParse(name).success && !names.has(name));
    const lines = this.#policy
      .keys()
      .map((vkey) => vkey.slice(0, vkey.indexOf('+')))
      .filter((origin) => !origins.has(origin) && !found.some((name) => origin.endsWith(`/${name}`)));
    return [...found, ...lines];
  }

  /** Trail names are safe as file names: see `trailName` in core. */
  #file(trail: string): string {
    return path.join(this.#folder.keys, `${trail}.key`);
  }
}
