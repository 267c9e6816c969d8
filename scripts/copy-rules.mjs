// Puts the built-in rules where the server looks for them, and what is packed: packages/server/dist/built-in-rules.
import { cpSync, existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';

/** Names of the rule files in a folder. */
const filesIn = (dir) =>
  existsSync(dir)
    ? readdirSync(dir, { recursive: true })
        .filter((name) => name.endsWith('.yml'))
        .sort()
    : [];

/** Copies what is not the same already, and removes what is gone. */
export function copyRules(root) {
  const from = path.join(root, 'rules');
  const to = path.join(root, 'packages/server/dist/built-in-rules');
  const names = filesIn(from);
  for (const name of names) {
    const [source, target] = [path.join(from, name), path.join(to, name)];
    if (!existsSync(target) || !readFileSync(source).equals(readFileSync(target))) cpSync(source, target);
  }
  for (const name of filesIn(to)) if (!names.includes(name)) rmSync(path.join(to, name));
}
