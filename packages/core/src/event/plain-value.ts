import { isAllowedKey, isExact } from './inspect.ts';
import { eventLimits } from './limits.ts';

/**
 * True when JSON says all there is to say about a value of this process, so that it need not be written and parsed again
 * to know what is in it: plain objects and arrays, well-formed texts, exact numbers, within the limits of an event, and
 * nothing that `JSON.stringify` would turn into something else. Members that are undefined are left out by JSON too.
 */
export function isPlainJson(value: unknown): boolean {
  return new PlainWalk().isPlain(value, 1);
}

class PlainWalk {
  #keys = 0;

  isPlain(value: unknown, depth: number): boolean {
    switch (typeof value) {
      case 'string':
        return value.isWellFormed();
      case 'number':
        return isExact(value);
      case 'boolean':
        return true;
      case 'object':
        return value === null || (depth <= eventLimits.depth && this.#isPlainObject(value, depth));
      default:
        return false;
    }
  }

  #isPlainObject(object: object, depth: number): boolean {
    const prototype: unknown = Object.getPrototypeOf(object);
    if (Array.isArray(object)) {
      if (prototype !== Array.prototype) return false;
      for (let i = 0; i < object.length; i++) if (!this.isPlain(object[i], depth + 1)) return false;
      return true;
    }
    if (prototype !== Object.prototype && prototype !== null) return false;
    for (const key in object) {
      const member = (object as Readonly<Record<string, unknown>>)[key];
      if (member === undefined) continue;
      if (key === 'toJSON' || !isAllowedKey(key) || !key.isWellFormed()) return false;
      if (++this.#keys > eventLimits.keys || !this.isPlain(member, depth + 1)) return false;
    }
    return true;
  }
}
