import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** The program that people start. */
export const bin: string = fileURLToPath(new URL('../../packages/server/bin/sealtrail.mjs', import.meta.url));

/** What a command left behind. */
export interface Outcome {
  /** The exit code; undefined when a signal ended it. */
  readonly code: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CommandOptions {
  /** Added to the environment; undefined removes a variable. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** Standard input, which then ends; null leaves it open. Default: empty. */
  readonly input?: string | null;
  readonly cwd?: string;
}

/** A command line in a process of its own. */
export class Command implements AsyncDisposable {
  readonly process: ChildProcess;
  readonly ended: Promise<Outcome>;
  #stdout = '';
  #stderr = '';
  #changed = Promise.withResolvers<void>();
  #hasEnded = false;

  constructor(args: readonly string[], options: CommandOptions = {}) {
    const { environment = {}, input = '', cwd } = options;
    const env = { ...process.env, ...environment };
    for (const [name, value] of Object.entries(environment)) if (value === undefined) delete env[name];
    this.process = spawn(process.execPath, [bin, ...args], { env, cwd, stdio: 'pipe' });
    const { stdin, stdout, stderr } = this.process;
    // A command that ends without having read its input is no failure of ours.
    stdin!.on('error', () => {});
    if (input !== null) stdin!.end(input);
    stdout!.setEncoding('utf8').on('data', (text: string) => {
      this.#stdout += text;
      this.#change();
    });
    stderr!.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr += text;
      this.#change();
    });
    this.ended = new Promise((resolve) => {
      this.process.on('close', (code) => {
        this.#hasEnded = true;
        resolve({ code: code ?? undefined, stdout: this.#stdout, stderr: this.#stderr });
        this.#change();
      });
    });
  }

  get stdout(): string {
    return this.#stdout;
  }

  get stderr(): string {
    return this.#stderr;
  }

  /** What standard output has to match; waits for it. */
  stdoutMatch(pattern: RegExp): Promise<RegExpExecArray> {
    return this.#match(pattern, () => this.#stdout);
  }

  /** What standard error has to match; waits for it. */
  stderrMatch(pattern: RegExp): Promise<RegExpExecArray> {
    return this.#match(pattern, () => this.#stderr);
  }

  /** Sends a signal, once, and gives what comes of it. */
  end(signal: NodeJS.Signals = 'SIGTERM'): Promise<Outcome> {
    this.process.kill(signal);
    return this.ended;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.process.kill('SIGKILL');
    await this.ended;
  }

  async #match(pattern: RegExp, text: () => string): Promise<RegExpExecArray> {
    for (;;) {
      const found = pattern.exec(text());
      if (found) return found;
      if (this.#hasEnded) throw new Error(`ended without ${pattern}: ${this.#stdout}${this.#stderr}`);
      await this.#changed.promise;
    }
  }

  #change(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }
}

/** Runs a command line to its end. */
export async function run(args: readonly string[], options?: CommandOptions): Promise<Outcome> {
  return await new Command(args, options).ended;
}

/** Starts `sealtrail serve` and waits until it says where it listens. */
export async function startServing(
  args: readonly string[],
  options: CommandOptions = {},
): Promise<{ readonly command: Command; readonly url: string }> {
  const command = new Command(['serve', ...args], { input: null, ...options });
  const [, url] = await command.stdoutMatch(/listens on (http:\/\/\S+)/);
  return { command, url: url! };
}
