import { SealtrailError } from '../errors.ts';
import { keyIdOf, keyTypes, parseVkey, type VerifierKey } from './key.ts';
import { hex, parseDecimal } from './text.ts';

// C2SP tlog-policy: which logs are known, which witnesses, and how many of them must have cosigned a checkpoint.
// A policy is pinned by whoever verifies; it is still parsed as input from outside, bounded and strict.

/** A log whose signature is accepted. The key's name is the log's origin. */
export interface PolicyLog {
  readonly key: VerifierKey;
  readonly url: string | undefined;
}

/** A witness under its name in the policy, which means nothing outside of it. */
export interface PolicyWitness {
  readonly name: string;
  readonly key: VerifierKey;
  readonly url: string | undefined;
}

/** A group counts as having witnessed when `threshold` of its members (witnesses or groups) have. */
export interface PolicyGroup {
  readonly name: string;
  readonly threshold: number;
  readonly members: readonly string[];
}

/** A parsed trust policy. */
export interface TrustPolicy {
  readonly logs: readonly PolicyLog[];
  readonly witnesses: readonly PolicyWitness[];
  readonly groups: readonly PolicyGroup[];
  /** Name of a witness or group; undefined for `quorum none`. */
  readonly quorum: string | undefined;
}

/** How the cosignatures of a checkpoint measure up to a policy. */
export interface QuorumResult {
  readonly satisfied: boolean;
  /** Witnesses under the quorum that have cosigned. */
  readonly have: number;
  /** Fewest witnesses that satisfy the quorum. With nested groups `have` may reach it without satisfying it. */
  readonly need: number;
}

/**
 * A data folder has a log line a trail, of 60 to 400 characters: this holds 40,000 trails with the longest names. It is the
 * only bound on logs, since reading a policy is linear: about 70 µs a key.
 */
const MAX_POLICY_CHARS = 16_000_000;
/** Witnesses and groups: more expensive than logs, since all of them are looked at with every checkpoint. */
const MAX_DEFINITIONS = 1_000;
// `none` is reserved by the specification; the others would be ambiguous in a group line.
const reservedNames: ReadonlySet<string> = new Set(['none', 'all', 'any']);
// biome-ignore lint/suspicious/noControlCharactersInRegex: finding control characters is the purpose
const forbiddenCharacter = /[\u0000-\u0008\u000b-\u001f\u007f]/;

/**
 * Reads a trust policy file.
 *
 * A witness may be given by an Ed25519 key of type 1, as many published policies do: it stands for the cosignature key
 * (type 4) of the same name and bytes.
 *
 * @throws SealtrailError `invalid_policy` naming the line
 */
export function parsePolicy(text: string): TrustPolicy {
  if (text.length > MAX_POLICY_CHARS)
    throw new SealtrailError('invalid_policy', `a trust policy has at most ${MAX_POLICY_CHARS} characters`);
  if (!text.isWellFormed() || forbiddenCharacter.test(text))
    throw new SealtrailError(
      'invalid_policy',
      'a trust policy has no control characters but tab and line feed',
    );
  const parser = new PolicyParser();
  for (const [index, line] of text.split('\n').entries()) {
    const words = line.split(/[ \t]+/).filter((word) => word !== '');
    if (words.length > 0 && !words[0]!.startsWith('#')) parser.read(words, index + 1);
  }
  return parser.finish();
}

class PolicyParser {
  readonly #logs: PolicyLog[] = [];
  readonly #witnesses: PolicyWitness[] = [];
  readonly #groups: PolicyGroup[] = [];
  readonly #publicKeys = new Set<string>();
  readonly #names = new Set<string>();
  readonly #grouped = new Set<string>();
  #quorum: { readonly name: string | undefined } | undefined;
  #line = 0;

  read(words: readonly string[], line: number): void {
    this.#line = line;
    const [keyword, ...rest] = words;
    switch (keyword) {
      case 'log':
        this.#log(rest);
        break;
      case 'witness':
        this.#witness(rest);
        break;
      case 'group':
        this.#group(rest);
        break;
      case 'quorum':
        this.#readQuorum(rest);
        break;
      default:
        throw this.#error('expected log, witness, group or quorum');
    }
  }

  finish(): TrustPolicy {
    if (this.#quorum === undefined)
      throw new SealtrailError(
        'invalid_policy',
        'a trust policy has one line "quorum <name>|none", got none',
      );
    return {
      logs: this.#logs,
      witnesses: this.#witnesses,
      groups: this.#groups,
      quorum: this.#quorum.name,
    };
  }

  #log([vkey, url, ...rest]: readonly string[]): void {
    if (vkey === undefined || rest.length > 0) throw this.#error('expected log <vkey> [<url>]');
    const key = this.#key(vkey);
    if (key.type !== keyTypes.ed25519) throw this.#error('a log has an Ed25519 key of type 1');
    this.#logs.push({ key, url });
  }

  #witness([name, vkey, url, ...rest]: readonly string[]): void {
    if (name === undefined || vkey === undefined || rest.length > 0)
      throw this.#error('expected witness <name> <vkey> [<url>]');
    const key = this.#key(vkey);
    this.#define(name);
    this.#witnesses.push({ name, key: asCosignatureKey(key), url });
  }

  #group([name, count, ...members]: readonly string[]): void {
    if (name === undefined || count === undefined || members.length === 0)
      throw this.#error('expected group <name> all|any|<k> <member>...');
    const threshold = count === 'all' ? members.length : count === 'any' ? 1 : parseDecimal(count);
    if (threshold === undefined || threshold < 1 || threshold > members.length)
      throw this.#error(`a group of ${members.length} has all, any or 1 to ${members.length} of them`);
    for (const member of members) {
      if (!this.#names.has(member)) throw this.#error('a member is defined on no line before');
      if (this.#grouped.has(member)) throw this.#error('a name is member of one group, once');
      this.#grouped.add(member);
    }
    this.#define(name);
    this.#groups.push({ name, threshold, members });
  }

  #readQuorum([name, ...rest]: readonly string[]): void {
    if (name === undefined || rest.length > 0) throw this.#error('expected quorum <name>|none');
    if (this.#quorum !== undefined) throw this.#error('there is a quorum line already');
    if (name !== 'none' && !this.#names.has(name))
      throw this.#error('the quorum is defined on no line before');
    this.#quorum = { name: name === 'none' ? undefined : name };
  }

  /** Parses a key that no line before has, under whatever name or type: it would count twice. */
  #key(vkey: string): VerifierKey {
    let key: VerifierKey;
    try {
      key = parseVkey(vkey);
    } catch (cause) {
      throw this.#error('the key is not a valid verifier key', cause);
    }
    const publicKey = hex(key.publicKey);
    if (this.#publicKeys.has(publicKey)) throw this.#error('the key is on a line before');
    this.#publicKeys.add(publicKey);
    return key;
  }

  #define(name: string): void {
    if (reservedNames.has(name)) throw this.#error('the names none, all and any are reserved');
    if (this.#names.has(name)) throw this.#error('the name is defined already');
    if (this.#names.size === MAX_DEFINITIONS)
      throw this.#error(`more than ${MAX_DEFINITIONS} witnesses and groups`);
    this.#names.add(name);
  }

  #error(message: string, cause?: unknown): SealtrailError {
    const reason = cause instanceof SealtrailError ? `: ${cause.message}` : '';
    return new SealtrailError(
      'invalid_policy',
      `line ${this.#line} of the trust policy: ${message}${reason}`,
      {
        cause,
      },
    );
  }
}

function asCosignatureKey(key: VerifierKey): VerifierKey {
  if (key.type !== keyTypes.ed25519) return key;
  const type = keyTypes.cosignature;
  return { ...key, type, keyId: keyIdOf(key.name, type, key.publicKey) };
}

/**
 * Whether the witnesses that have cosigned satisfy the quorum.
 *
 * @param cosigned names, as in the policy, of the witnesses whose cosignatures verified
 */
export function evaluateQuorum(policy: TrustPolicy, cosigned: ReadonlySet<string>): QuorumResult {
  if (policy.quorum === undefined) return { satisfied: true, have: cosigned.size, need: 0 };
  const results = new Map<string, QuorumResult>();
  for (const { name } of policy.witnesses) {
    const satisfied = cosigned.has(name);
    results.set(name, { satisfied, have: satisfied ? 1 : 0, need: 1 });
  }
  // A name is defined before it is used and is member of at most one group: one pass, and nothing counts twice.
  for (const { name, threshold, members } of policy.groups) {
    const parts = members.map((member) => results.get(member)!);
    const cheapest = parts.map(({ need }) => need).sort((a, b) => a - b);
    results.set(name, {
      satisfied: parts.filter(({ satisfied }) => satisfied).length >= threshold,
      have: parts.reduce((sum, { have }) => sum + have, 0),
      need: cheapest.slice(0, threshold).reduce((sum, need) => sum + need, 0),
    });
  }
  return results.get(policy.quorum)!;
}
