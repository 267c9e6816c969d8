import path from 'node:path';
import { fileURLToPath } from 'node:url';

/** Where the rules lie that come with the server: the build puts them there. */
export function shippedRules(): string {
  const packageRoot = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
  return path.join(packageRoot, 'dist', 'built-in-rules');
}
