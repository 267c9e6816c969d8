// Runs a command with our streams. It must run under an old Node (20), as run.mjs does.
import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { isatty } from 'node:tty';

/**
 * Resolves with the status of a command once it has ended, by a signal too: 128 and its number, as shells have it.
 * Signals to this process are passed on, so that whoever waits for it waits for the orderly end of the command.
 */
export function runChild(command, args, options) {
  const child = spawn(command, args, { ...options, stdio: 'inherit' });
  // A terminal sends Ctrl-C to the command by itself; a second one would end it at once.
  const isTerminal = [0, 1, 2].some((fd) => isatty(fd));
  const passOn = (signal) => {
    if (signal !== 'SIGINT' || !isTerminal) child.kill(signal);
  };
  process.on('SIGINT', passOn);
  process.on('SIGTERM', passOn);
  // npm starts scripts through a shell, which passes no signal on: it ends, and we are left to another parent.
  const parent = process.ppid;
  const watch = setInterval(() => {
    if (process.env.npm_lifecycle_event === undefined || process.ppid === parent) return;
    clearInterval(watch);
    passOn('SIGTERM');
  }, 250);
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', (code, signal) => resolve(code ?? 128 + constants.signals[signal]));
  }).finally(() => {
    clearInterval(watch);
    process.off('SIGINT', passOn);
    process.off('SIGTERM', passOn);
  });
}
