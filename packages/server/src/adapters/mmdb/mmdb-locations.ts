import { readFileSync, statSync } from 'node:fs';
import { normalizeAddress, SealtrailError } from '@sealtrail/core';
import type { Locate, Location } from '@sealtrail/core/sigma';
import { Reader, type Response } from 'mmdb-lib';
import { z } from 'zod';

/** A database as it was opened. */
export interface MmdbDatabase {
  readonly file: string;
  /** As it calls itself: `GeoLite2-City`. */
  readonly type: string;
  readonly builtAt: Date;
}

export interface MmdbLocationsOptions {
  /** Told of each file that turns out to be damaged where it is read, once. */
  readonly onFault?: (file: string, error: unknown) => void;
}

/** The largest databases there are have about 500 MiB. */
const maxFileBytes = 1024 * 1024 * 1024;
const maxRemembered = 16_384;

/** What is taken of a record, of whichever database; all else in it is passed over. */
const record = z.object({
  country: z.object({ iso_code: z.string().optional() }).optional(),
  location: z
    .object({
      latitude: z.number().min(-90).max(90).optional(),
      longitude: z.number().min(-180).max(180).optional(),
      accuracy_radius: z.number().min(0).optional(),
    })
    .optional(),
  autonomous_system_number: z.number().int().positive().optional(),
  is_anonymous: z.boolean().optional(),
  traits: z
    .object({
      autonomous_system_number: z.number().int().positive().optional(),
      is_anonymous: z.boolean().optional(),
      is_anonymous_proxy: z.boolean().optional(),
    })
    .optional(),
});

/** What databases that are of use here have in their names. */
const usefulTypes = /City|Country|Enterprise|ASN|ISP|Anonymous/i;

interface OpenDatabase extends MmdbDatabase {
  readonly reader: Reader<Response>;
  isDamaged: boolean;
}

/**
 * Says where addresses are, out of databases in MaxMind's format that the operator gives: City or Country, ASN, Anonymous
 * IP, in any combination. Files are read once, into memory; what is found is remembered for a bounded number of addresses.
 */
export class MmdbLocations {
  readonly #databases: readonly OpenDatabase[];
  readonly #options: MmdbLocationsOptions;
  readonly #recent: Map<string, Location | undefined> = new Map();

  /** @throws SealtrailError invalid_configuration naming the file that cannot be read, or is no such database */
  constructor(files: readonly string[], options: MmdbLocationsOptions = {}) {
    this.#databases = files.map(open);
    this.#options = options;
  }

  get databases(): readonly MmdbDatabase[] {
    return this.#databases.map(({ file, type, builtAt }) => ({ file, type, builtAt }));
  }

  readonly locate: Locate = (address) => {
    if (this.#recent.has(address)) return this.#recent.get(address);
    const normal = normalizeAddress(address);
    const location = normal === undefined ? undefined : this.#find(normal);
    // The one that came first goes first: one that comes often is back soon.
    if (this.#recent.size >= maxRemembered) this.#recent.delete(this.#recent.keys().next().value!);
    this.#recent.set(address, location);
    return location;
  };

  #find(address: string): Location | undefined {
    let found: Location | undefined;
    for (const database of this.#databases) {
      const part = this.#read(database, address);
      // Of two that know the same the one that was given first counts.
      if (part !== undefined) found = { ...part, ...found };
    }
    return found;
  }

  #read(database: OpenDatabase, address: string): Location | undefined {
    const { reader } = database;
    if (reader.metadata.ipVersion === 4 && address.includes(':')) return undefined;
    try {
      const found = reader.get(address);
      return found === null ? undefined : locationOf(record.parse(found));
    } catch (error) {
      if (!database.isDamaged) this.#options.onFault?.(database.file, error);
      database.isDamaged = true;
      return undefined;
    }
  }
}

function open(file: string): OpenDatabase {
  const invalid = (reason: string, cause?: unknown): SealtrailError =>
    new SealtrailError(
      'invalid_configuration',
      `${file} cannot be used as a database of locations: ${reason}; give a .mmdb file with cities, countries, autonomous systems or anonymous addresses`,
      cause === undefined ? {} : { cause },
    );
  let content: Buffer;
  try {
    const stats = statSync(file);
    if (!stats.isFile()) throw invalid('it is no file');
    if (stats.size > maxFileBytes) throw invalid(`it has more than ${maxFileBytes} bytes`);
    content = readFileSync(file);
  } catch (cause) {
    if (cause instanceof SealtrailError) throw cause;
    throw invalid(`it cannot be read (${(cause as NodeJS.ErrnoException).code ?? 'unknown reason'})`, cause);
  }
  let reader: Reader<Response>;
  try {
    reader = new Reader<Response>(content);
    // Damage in the middle mostly shows with the first address.
    reader.get('192.0.2.1');
  } catch (cause) {
    throw invalid('it is not in the format of MaxMind, or damaged', cause);
  }
  const { databaseType: type, buildEpoch: builtAt, searchTreeSize } = reader.metadata;
  if (searchTreeSize > content.length) throw invalid('it is cut off');
  if (!usefulTypes.test(type)) throw invalid(`its type is ${type}`);
  return { file, type, builtAt, reader, isDamaged: false };
}

function locationOf({
  country,
  location,
  traits,
  autonomous_system_number: asn = traits?.autonomous_system_number,
  is_anonymous: isAnonymous = traits?.is_anonymous ?? traits?.is_anonymous_proxy,
}: z.output<typeof record>): Location {
  const { latitude, longitude, accuracy_radius: accuracyKm } = location ?? {};
  return {
    ...(latitude !== undefined && longitude !== undefined && { latitude, longitude }),
    ...(accuracyKm !== undefined && { accuracyKm }),
    ...(country?.iso_code !== undefined && { country: country.iso_code }),
    ...(asn !== undefined && { asn }),
    ...(isAnonymous !== undefined && { isAnonymous }),
  };
}
