import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { ConfigInput } from '../../packages/server/dist/config.js';
import {
  type Misbehaviour,
  TestWitness,
} from '../../packages/server/src/followers/witness/testing/test-witness.ts';
import { startServer, type TestServer } from './server.ts';

/** A data folder whose trails two witnesses know, and the policy by which their cosignatures count. */
export class WitnessedFolder implements AsyncDisposable {
  readonly dir: string;
  /** Names the witnesses, with their addresses, and asks for both. */
  readonly policyFile: string;
  readonly witnesses: readonly [TestWitness, TestWitness];
  readonly #parent: string;

  private constructor(parent: string, witnesses: readonly [TestWitness, TestWitness]) {
    this.#parent = parent;
    this.dir = path.join(parent, 'data');
    this.policyFile = path.join(parent, 'policy.txt');
    this.witnesses = witnesses;
  }

  /** Makes the folder with an entry in `main`, and tells the witnesses of its trails. */
  static async make(): Promise<WitnessedFolder> {
    const folder = new WitnessedFolder(mkdtempSync(path.join(tmpdir(), 'sealtrail-witnessed-')), [
      await TestWitness.start('first.example'),
      await TestWitness.start('second.example'),
    ]);
    {
      await using server = await startServer({ dir: folder.dir });
      await server.record({ action: 'test.begin' });
      for (const witness of folder.witnesses)
        witness.knows(...server.engine.log.trails().map(({ vkey }) => vkey));
    }
    const logs = readFileSync(path.join(folder.dir, 'trust-policy.txt'), 'utf8').match(/^log .*$/gm)!;
    const lines = folder.witnesses.map(({ line }) => line);
    const quorum = ['group both all first.example second.example', 'quorum both'];
    writeFileSync(folder.policyFile, [...logs, ...lines, ...quorum, ''].join('\n'));
    return folder;
  }

  /** A server on the folder, or on another of the same trails, that asks the witnesses. */
  serve(config: ConfigInput = {}): Promise<TestServer> {
    return startServer({ dir: this.dir, witnesses: this.policyFile, witnessEveryMs: 100, ...config });
  }

  /** A copy of the folder as it is: no server may be running on it. */
  copy(): string {
    const copy = mkdtempSync(path.join(this.#parent, 'copy-'));
    cpSync(this.dir, copy, { recursive: true });
    return copy;
  }

  misbehave(misbehaviour: Misbehaviour | undefined): void {
    for (const witness of this.witnesses) witness.misbehaviour = misbehaviour;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const witness of this.witnesses) await witness[Symbol.asyncDispose]();
    rmSync(this.#parent, { recursive: true, force: true });
  }
}
