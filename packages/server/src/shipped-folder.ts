import { existsSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

/** Where data that comes with the server lies: in the package, or, in the workspace, at its root. */
export function shippedFolder(name: 'rules'): string {
  const packageRoot = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
  const inPackage = path.join(packageRoot, name);
  return existsSync(inPackage) ? inPackage : path.join(packageRoot, '..', '..', name);
}
