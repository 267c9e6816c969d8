import { describe, expect, it } from 'vitest';
import { builtInSource, sourceView } from './built-in-sources.ts';

const clock = { latestMs: Date.UTC(2026, 5, 30), offsetMinutes: 0 };

/** What rules and readers see of a line of sudo by its fields. */
function seen(fields: string): {
  readonly users: readonly unknown[];
  readonly commands: readonly unknown[];
  readonly onBehalfOf: string | undefined;
  readonly ambiguous: unknown;
} {
  const mapped = builtInSource('syslog')!.mapLine(`Feb 12 14:10:21 h sudo: eve : ${fields}`, 0, clock);
  if (mapped.is !== 'event') throw new Error('expected an event');
  const { actor, metadata } = mapped.event;
  const { USER, COMMAND } = sourceView(metadata!)!.event;
  return {
    users: [USER].flat(),
    commands: [COMMAND].flat(),
    onBehalfOf: actor?.onBehalfOf,
    ambiguous: metadata!['ambiguous'],
  };
}

describe('lines of sudo', () => {
  it.each([
    'TTY=pts/0 ; PWD=/tmp/a ; USER=nobody ; COMMAND=/bin/ls ; USER=root ; COMMAND=/bin/sh',
    'TTY=pts/0 ; PWD=/tmp ; USER=a ; COMMAND=b ; USER=root ; COMMAND=/bin/sh ; USER=c ; COMMAND=d',
    'TTY=pts/0 ; PWD=/tmp/a ; USER=nobody ; ENV=x ; USER=root ; COMMAND=/bin/sh',
    'TTY=pts/0 ; PWD=/tmp/a ; USER=nobody ; GROUP=x ; COMMAND=y ; USER=root ; GROUP=wheel ; COMMAND=/bin/sh',
    'PWD=/tmp/a ; USER=nobody ; USER=root ; COMMAND=/bin/sh',
    'TTY=pts/0 ; CHROOT=/x ; PWD=/ ; USER=nobody ; COMMAND=/bin/ls ; PWD=/ ; USER=root ; COMMAND=/bin/sh',
    'user NOT in sudoers ; PWD=/a ; USER=nobody ; COMMAND=/bin/ls ; USER=root ; COMMAND=/bin/sh',
    'TTY=pts/0 ; PWD=/ ; USER=root ; COMMAND=/bin/sh ; USER=nobody ; COMMAND=/bin/ls',
    'PWD=/ ; USER=root ; ENV=A=x ; COMMAND=/bin/ls ; COMMAND=/bin/sh',
  ])('in which a user forges a target are seen as ones for root, and marked: %s', (fields) => {
    const { users, commands, onBehalfOf, ambiguous } = seen(fields);
    expect(users).toContain('root');
    expect(onBehalfOf).toBe('root');
    expect(commands.some((command) => String(command).startsWith('/bin/sh'))).toBe(true);
    expect(ambiguous).toBe('true');
  });

  it('that name another user than root twice are marked, with both', () => {
    expect(seen('PWD=/ ; USER=a ; COMMAND=/bin/a ; USER=b ; COMMAND=/bin/b')).toEqual({
      users: ['b', 'a'],
      commands: ['/bin/b', '/bin/a'],
      onBehalfOf: 'b',
      ambiguous: 'true',
    });
  });

  it.each([
    ['PWD=/a ; b ; USER=root ; COMMAND=/bin/sh', '/bin/sh'],
    ['PWD=/ ; USER=root ; ENV=A=x ; COMMAND=/bin/sh -c a ; b', '/bin/sh -c a ; b'],
    ['PWD=/ ; USER=root ; COMMAND=/bin/sh ; COMMAND=/bin/ls', '/bin/sh ; COMMAND=/bin/ls'],
    ['PWD=/ ; USER=root ; COMMAND=/bin/env USER=nobody', '/bin/env USER=nobody'],
  ])('with one reading are not marked: %s', (fields, command) => {
    expect(seen(fields)).toEqual({
      users: ['root'],
      commands: [command],
      onBehalfOf: 'root',
      ambiguous: undefined,
    });
  });
});
