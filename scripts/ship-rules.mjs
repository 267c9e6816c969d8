// Puts the built-in rules where the server looks for them, and what is packed: packages/server/dist/built-in-rules.
import { createHash } from 'node:crypto';
import { cpSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

/** Names of the files in a folder that end so. */
const filesIn = (dir, ending) =>
  existsSync(dir)
    ? readdirSync(dir, { recursive: true })
        .filter((name) => name.endsWith(ending))
        .sort()
    : [];

/** Copies what is not the same already, removes what is gone, and writes what the rules say beside them. */
export async function shipRules(root) {
  const from = path.join(root, 'rules');
  const to = path.join(root, 'packages/server/dist/built-in-rules');
  const names = filesIn(from, '.yml');
  for (const name of names) {
    const [source, target] = [path.join(from, name), path.join(to, name)];
    if (!existsSync(target) || !readFileSync(source).equals(readFileSync(target))) cpSync(source, target);
  }
  for (const name of filesIn(to, '.yml')) if (!names.includes(name)) rmSync(path.join(to, name));

  // Made again when a rule has changed, or what reads rules.
  const reader = path.join(root, 'packages/core/dist/sigma');
  const made = createHash('sha256').update(process.versions.v8);
  for (const [dir, list] of [
    [to, names],
    [reader, filesIn(reader, '.js')],
  ])
    for (const name of list) made.update(name).update(readFileSync(path.join(dir, name)));
  const digest = made.digest('hex');
  const stamp = path.join(root, '.build/shipped-rules');
  const isMade = existsSync(stamp) && readFileSync(stamp, 'utf8') === digest;
  if (isMade && filesIn(to, '.bin').length > 0) return;
  const { packShippedRules } = await import(
    pathToFileURL(path.join(root, 'packages/server/dist/rules/shipped-rules.js')).href
  );
  const { file, bytes } = await packShippedRules(to);
  writeFileSync(file, bytes);
  writeFileSync(stamp, digest);
}
