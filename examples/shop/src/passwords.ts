import { randomBytes, type ScryptOptions, scrypt, scryptSync, timingSafeEqual } from 'node:crypto';

/** A password as it is kept: never the password itself. */
export interface PasswordHash {
  readonly salt: Buffer;
  readonly key: Buffer;
}

/** Costs of RFC 7914 scrypt: 16 MiB and some tens of milliseconds a try. */
const cost: ScryptOptions = { N: 2 ** 14, r: 8, p: 1 };
const keyBytes = 32;
/** Longer passwords are refused, so that nobody makes the server hash a novel. */
export const maxPasswordLength = 200;

/** For sample data at start-up; requests use {@link hashPassword}. */
export function hashPasswordSync(password: string): PasswordHash {
  const salt = randomBytes(16);
  return { salt, key: scryptSync(password, salt, keyBytes, cost) };
}

export async function hashPassword(password: string): Promise<PasswordHash> {
  const salt = randomBytes(16);
  return { salt, key: await derive(password, salt) };
}

/** Takes the same time whether there is such a user or not, so that the answer does not tell who has an account. */
export async function isPassword(password: string, hash: PasswordHash | undefined): Promise<boolean> {
  const key = await derive(password, hash?.salt ?? Buffer.alloc(16));
  return timingSafeEqual(key, hash?.key ?? Buffer.alloc(keyBytes)) && hash !== undefined;
}

function derive(password: string, salt: Buffer): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    scrypt(password, salt, keyBytes, cost, (error, key) => (error ? reject(error) : resolve(key)));
  });
}
