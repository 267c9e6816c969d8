import { chmodSync } from 'node:fs';

/** An account that owns nothing. */
const nobody = 65_534;

/** Runs something on a folder of which nothing can be written: root, whom no mode stops, acts as nobody meanwhile. */
export function onReadOnlyFolder<T>(dir: string, action: () => T): T {
  chmodSync(dir, 0o555);
  const isRoot = process.geteuid?.() === 0;
  if (isRoot) process.seteuid?.(nobody);
  try {
    return action();
  } finally {
    if (isRoot) process.seteuid?.(0);
    chmodSync(dir, 0o700);
  }
}
