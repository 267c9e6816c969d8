import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const bin = fileURLToPath(new URL('../../packages/server/bin/sealtrail.mjs', import.meta.url));
const token = 'crash-test-admin-token-0123456789';

/** An answer of the server: any status. */
export interface Answer {
  readonly status: number;
  readonly body: string;
}

/** What a command line came to. */
export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs one command line to its end. */
export function sealtrail(...args: readonly string[]): Promise<Outcome> {
  return new Promise((resolve) => {
    const env = { ...process.env, SEALTRAIL_ADMIN_TOKEN: token };
    execFile(process.execPath, [bin, ...args], { env }, (error, stdout, stderr) => {
      resolve({ code: typeof error?.code === 'number' ? error.code : error ? 1 : 0, stdout, stderr });
    });
  });
}

/** A real server process on a data folder, to be killed. */
export class CrashServer {
  readonly #child: ChildProcess;
  readonly #gone: Promise<unknown>;
  #url = '';
  #output = '';

  constructor(dir: string) {
    this.#child = spawn(
      process.execPath,
      [bin, 'serve', '--data', dir, '--port', '0', '--publish-every-ms', '100', '--log-level', 'warn'],
      { env: { ...process.env, SEALTRAIL_ADMIN_TOKEN: token }, stdio: ['ignore', 'pipe', 'pipe'] },
    );
    this.#gone = once(this.#child, 'exit');
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.on('data', (chunk: Buffer) => {
        this.#output += chunk.toString();
      });
    }
  }

  /** Resolves when it listens; rejects when it ends before that. */
  async listening(): Promise<void> {
    const isGone = this.#gone.then(() => true);
    while (this.#url === '') {
      if (await Promise.race([isGone, once(this.#child.stdout!, 'data').then(() => false)]))
        throw new Error(`the server ended on its own: ${this.#output}`);
      this.#url = /listens on (http:\/\/\S+)/.exec(this.#output)?.[1] ?? '';
    }
  }

  /** Kills it as a power cut would, as far as a process can: nothing in it runs any more. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#gone;
  }

  /** Asks it to stop, and gives its exit code. */
  async stop(): Promise<number | null> {
    this.#child.kill('SIGTERM');
    await this.#gone;
    return this.#child.exitCode;
  }

  /** @throws when no answer comes: the server may be gone */
  async request(path: string, init: RequestInit = {}): Promise<Answer> {
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json', ...init.headers };
    const response = await fetch(`${this.#url}${path}`, { ...init, headers });
    return { status: response.status, body: await response.text() };
  }

  /** @throws when the status is not 200 */
  async get(path: string): Promise<string> {
    const { status, body } = await this.request(path);
    if (status !== 200) throw new Error(`${path}: ${status} ${body}`);
    return body;
  }

  async getBytes(path: string): Promise<Uint8Array> {
    const response = await fetch(`${this.#url}${path}`, { headers: { authorization: `Bearer ${token}` } });
    if (response.status !== 200) throw new Error(`${path}: ${response.status} ${await response.text()}`);
    return new Uint8Array(await response.arrayBuffer());
  }
}
