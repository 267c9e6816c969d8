import {
  expectedProxyRange,
  proxyRange,
  type RedactionRules,
  SealtrailError,
  valuePatterns,
} from '@sealtrail/core';
import { z } from 'zod';
import { expectedSecret, tokenSecret } from './access/tokens.ts';

const patternNames = Object.keys(valuePatterns) as [keyof typeof valuePatterns];

const redactionSchema = z.strictObject({
  paths: z.array(z.string().min(1).max(512)).max(256).optional(),
  keys: z.array(z.string().min(1).max(128)).max(256).optional(),
  patterns: z.array(z.enum(patternNames)).optional(),
});

/** A list, which an environment variable has as one text, with commas or spaces between. */
const listOf = <Item extends z.ZodType>(item: Item, most: number): z.ZodType<z.output<Item>[]> =>
  z.preprocess(
    (value) => (typeof value === 'string' ? value.split(/[\s,]+/).filter(Boolean) : value),
    z.array(item).max(most),
  ) as unknown as z.ZodType<z.output<Item>[]>;

const configSchema = z.strictObject({
  dir: z.string().min(1),
  host: z.string().min(1).default('127.0.0.1'),
  port: z.coerce.number().int().min(0).max(65535).default(7600),
  adminToken: z.string().regex(tokenSecret, expectedSecret).optional(),
  originPrefix: z
    .string()
    .regex(
      /^[A-Za-z0-9.-]{1,200}(?:\/[A-Za-z0-9._-]{1,100})*$/,
      'expected a schema-less URL, such as audit.example.com',
    )
    .optional(),
  publishEveryMs: z.coerce.number().int().min(10).max(3_600_000).default(1000),
  maxQueuedBytes: z.coerce
    .number()
    .int()
    .min(65_536)
    .default(64 * 1024 * 1024),
  maxBodyBytes: z.coerce
    .number()
    .int()
    .min(65_536)
    .max(256 * 1024 * 1024)
    .default(16 * 1024 * 1024),
  trustProxy: listOf(
    z.string().refine((text) => proxyRange(text) !== undefined, expectedProxyRange),
    256,
  ).default([]),
  drainMs: z.coerce.number().int().min(0).default(10_000),
  logLevel: z.enum(['silent', 'fatal', 'error', 'warn', 'info', 'debug']).default('info'),
  redaction: redactionSchema.default({}),
  allowedTargets: listOf(z.string().min(1).max(253), 256).default([]),
  locations: listOf(z.string().min(1).max(4096), 8).default([]),
  verifyEveryMs: z.coerce
    .number()
    .int()
    .min(0)
    .max(2 ** 31 - 1)
    .default(86_400_000),
  witnesses: z.string().min(1).max(4096).optional(),
  witnessEveryMs: z.coerce.number().int().min(10).max(86_400_000).default(10_000),
  detection: z.boolean().default(true),
  detectionLatenessMs: z.coerce.number().int().min(0).max(86_400_000).default(10_000),
});

/** The configuration: parsed once, then frozen and handed around. */
export interface Config {
  /** The data folder. */
  readonly dir: string;
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  /** First admin token; without it one is made and printed once. */
  readonly adminToken?: string | undefined;
  /** Prefix of the origins of new trails; best a name that is yours, such as `audit.example.com`. */
  readonly originPrefix?: string | undefined;
  /** Longest time until a checkpoint covers an entry. */
  readonly publishEveryMs: number;
  /** Bytes of entries waiting for a commit, above which requests are refused with `overloaded`. */
  readonly maxQueuedBytes: number;
  /** Bytes of a JSON body after decompression. */
  readonly maxBodyBytes: number;
  /**
   * Addresses and CIDR ranges of the proxies in front of the server: only what these say of a client's address, in
   * X-Forwarded-For or Forwarded, goes into the trail `system`. Default: none, so that the peer of a connection is it.
   */
  readonly trustProxy: readonly string[];
  /** How long running requests may take to end after a stop was asked for. */
  readonly drainMs: number;
  readonly logLevel: 'silent' | 'fatal' | 'error' | 'warn' | 'info' | 'debug';
  readonly redaction: RedactionRules;
  /**
   * Private, loopback and link-local hosts, addresses and CIDR ranges that channels may lead to. Default: none, so that no
   * channel can be used to reach what only the server can.
   */
  readonly allowedTargets: readonly string[];
  /** Files that say where addresses are: databases in MaxMind's format (.mmdb), City or Country, ASN, Anonymous IP. */
  readonly locations: readonly string[];
  /** Time between two verifications of the log by the server itself; 0: it makes none. */
  readonly verifyEveryMs: number;
  /**
   * File that names witnesses, a trust policy (C2SP tlog-policy) with an address behind the key of each. They are asked to
   * cosign checkpoints. Default: none.
   */
  readonly witnesses?: string | undefined;
  /** Least time between two checkpoints of a trail that a witness is asked to cosign. */
  readonly witnessEveryMs: number;
  /** Whether rules follow the log. What comes while they do not is looked at when they do again. */
  readonly detection: boolean;
  /**
   * How long events may be behind the latest one of their trail and still count in correlations. What waits for the end
   * of a time, such as the absence of something, is told as much later.
   */
  readonly detectionLatenessMs: number;
}

/** Configuration as given: everything but the data folder has a default; the command line gives numbers as text. */
export type ConfigInput = {
  readonly [K in keyof Config]?: Config[K] | (Config[K] extends number ? string : never) | undefined;
};

/** Environment variables that set a configuration value. */
export const environmentNames: Readonly<Record<string, keyof Config>> = {
  SEALTRAIL_DATA: 'dir',
  SEALTRAIL_HOST: 'host',
  SEALTRAIL_PORT: 'port',
  SEALTRAIL_ADMIN_TOKEN: 'adminToken',
  SEALTRAIL_ORIGIN: 'originPrefix',
  SEALTRAIL_LOG_LEVEL: 'logLevel',
  SEALTRAIL_TRUST_PROXY: 'trustProxy',
  SEALTRAIL_ALLOWED_TARGETS: 'allowedTargets',
  SEALTRAIL_LOCATIONS: 'locations',
  SEALTRAIL_WITNESSES: 'witnesses',
};

/**
 * Puts the configuration together: what is given explicitly wins over the environment, which wins over the defaults.
 *
 * @throws SealtrailError invalid_configuration
 */
export function parseConfig(
  given: ConfigInput,
  environment: Readonly<Record<string, string | undefined>> = {},
): Config {
  const fromEnvironment = Object.entries(environmentNames).flatMap(([variable, name]) => {
    const value = environment[variable];
    return value ? [[name, value]] : [];
  });
  const explicit = Object.entries(given).filter(([, value]) => value !== undefined);
  const parsed = configSchema.safeParse({
    ...Object.fromEntries(fromEnvironment),
    ...Object.fromEntries(explicit),
  });
  if (parsed.success) return Object.freeze(parsed.data);
  const [issue] = parsed.error.issues;
  throw new SealtrailError('invalid_configuration', `${issue?.path.join('.')}: ${issue?.message}`);
}
