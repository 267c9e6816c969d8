import { expect, it } from 'vitest';
import { rebuildIndex } from './rebuild-index.ts';
import { openSealtrail } from './sealtrail.ts';
import { temporaryFolder } from './sequencer/testing/temporary-folder.ts';

it('an interrupted rebuild ends at once, and what it left undone is made when it is needed', async () => {
  using folder = temporaryFolder();
  const { dir } = folder;
  const count = 3000;
  {
    await using log = await openSealtrail({ dir, logLevel: 'silent' });
    await log.recordAll(Array.from({ length: count }, () => ({ action: 'a.b' })));
  }
  const stop = new AbortController();
  let indexed = 0;
  const rebuilding = rebuildIndex(
    dir,
    (done) => {
      indexed = done;
      stop.abort(new Error('stopped'));
    },
    stop.signal,
  );
  await expect(rebuilding).rejects.toThrow('stopped');
  expect(indexed).toBeLessThan(count);
  await expect(rebuildIndex(dir, () => {}, stop.signal)).rejects.toThrow('stopped');

  await using log = await openSealtrail({ dir, logLevel: 'silent' });
  const { total } = await log.count('action', { after: count - 1 });
  expect(total).toBe(count);
});
