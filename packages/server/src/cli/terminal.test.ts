import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { processTerminal, type Terminal } from './terminal.ts';

const hostile = 'a\u001b[2Jb\u009b\n\u202ec\n';

/** What reaches the two streams of a process, which are terminals or not. */
function written(
  { out, err }: { readonly out: boolean; readonly err: boolean },
  write: (terminal: Terminal) => void,
): string[] {
  const streams = [out, err].map((isTTY) =>
    Object.assign(new PassThrough(), isTTY ? { isTTY, columns: 70 } : {}),
  );
  const [stdout, stderr] = streams as unknown as [
    NodeJS.WriteStream & { fd: 1 },
    NodeJS.WriteStream & { fd: 2 },
  ];
  write(processTerminal({ stdout, stderr }));
  return streams.map((stream) => String(stream.read() ?? ''));
}

describe('the terminal of the process', () => {
  it('shows no control characters to people, whatever a command writes', () => {
    const safe = 'a\ufffd[2Jb\ufffd\n\ufffdc\n';
    const write = (terminal: Terminal): void => {
      terminal.out(hostile);
      terminal.err(hostile);
    };
    expect(written({ out: true, err: true }, write)).toEqual([safe, safe]);
    expect(written({ out: false, err: true }, write)).toEqual([hostile, safe]);
    expect(written({ out: true, err: false }, write)).toEqual([safe, hostile]);
  });

  it('draws progress as it is', () => {
    expect(written({ out: true, err: true }, (terminal) => terminal.draw('\r50 %\u001b[K'))).toEqual([
      '',
      '\r50 %\u001b[K',
    ]);
  });

  it('has room without end where nobody looks', () => {
    const rooms: number[] = [];
    for (const out of [true, false])
      written({ out, err: false }, (terminal) => rooms.push(terminal.columns, terminal.progressColumns));
    expect(rooms).toEqual([70, 80, Number.POSITIVE_INFINITY, 80]);
  });
});
