import { maxPasswordLength } from './passwords.ts';
import { products, type Role, roles } from './store.ts';

/** The bodies of requests: unknown until they have been through here; undefined when they are not acceptable. */

export interface Credentials {
  readonly email: string;
  readonly password: string;
}

export function readCredentials(body: unknown): Credentials | undefined {
  const { email, password } = members(body);
  if (typeof password !== 'string' || password.length === 0 || password.length > maxPasswordLength)
    return undefined;
  return isEmail(email) ? { email: email.toLowerCase(), password } : undefined;
}

export interface NewUser extends Credentials {
  readonly name: string;
}

export function readNewUser(body: unknown): NewUser | undefined {
  const credentials = readCredentials(body);
  const { name } = members(body);
  if (!credentials || credentials.password.length < 8) return undefined;
  return typeof name === 'string' && /^[\p{L}\p{M} .'-]{1,100}$/u.test(name)
    ? { ...credentials, name }
    : undefined;
}

export interface NewOrder {
  readonly product: string;
  readonly quantity: number;
}

export function readNewOrder(body: unknown): NewOrder | undefined {
  const { product, quantity } = members(body);
  if (typeof product !== 'string' || !products.has(product)) return undefined;
  if (typeof quantity !== 'number' || !Number.isInteger(quantity) || quantity < 1 || quantity > 100)
    return undefined;
  return { product, quantity };
}

export function readRole(body: unknown): Role | undefined {
  const { role } = members(body);
  return roles.find((known) => known === role);
}

export function readReason(body: unknown): string | undefined {
  const { reason } = members(body);
  return typeof reason === 'string' && reason.length > 0 && reason.length <= 500 ? reason : undefined;
}

function members(body: unknown): Record<string, unknown> {
  return typeof body === 'object' && body !== null ? (body as Record<string, unknown>) : {};
}

function isEmail(value: unknown): value is string {
  return typeof value === 'string' && value.length <= 254 && /^[^\s@]+@[^\s@]+$/.test(value);
}
