import { type Entry, type EventPage, parseProofFile, type StoredEntry } from '@sealtrail/core';
import { Command } from 'commander';
import { apiOf, type CliContext, type ServerCommandOptions, withServer } from './context.ts';
import { jsonLine, printable } from './printable.ts';
import { readServerEvents } from './server-events.ts';
import { type Column, layOut, layRow, table } from './table.ts';

/** What commands about events share. */
export interface EventOptions extends ServerCommandOptions {
  readonly trail?: string;
}

/** `sealtrail query` */
export function queryCommand(context: CliContext): Command {
  return withServer(new Command('query'))
    .description('search events, newest first: sealtrail query actor:u_12 outcome:failure since:24h')
    .argument('[query...]', 'query text')
    .option('--trail <trail>', 'the trail (default main)')
    .option('--limit <n>', 'entries a page (default 50)')
    .option('--cursor <cursor>', 'where the page before ended')
    .action(async (words: string[], options: EventOptions & { limit?: string; cursor?: string }) => {
      const page = await apiOf(options, context).json<EventPage>('GET', 'v1/events', {
        q: words.length > 0 ? words.join(' ') : undefined,
        trail: options.trail,
        limit: options.limit,
        cursor: options.cursor,
      });
      if (options.json) {
        context.terminal.out(jsonLine(page));
        return;
      }
      context.terminal.out(
        page.events.length > 0
          ? table(entryColumns, page.events.map(entryRow), context.terminal.columns)
          : 'nothing found\n',
      );
      if (page.nextCursor !== null) context.terminal.err(`more: --cursor ${printable(page.nextCursor)}\n`);
    });
}

/** `sealtrail tail` */
export function tailCommand(context: CliContext): Command {
  return withServer(new Command('tail'))
    .description('follow events as they become durable')
    .argument('[query...]', 'query text')
    .option('--trail <trail>', 'the trail (default main)')
    .option('--from <index>', 'first index; default: what comes from now on')
    .action(async (words: string[], options: EventOptions & { from?: string }) => {
      const api = apiOf(options, context);
      const { terminal, signal } = context;
      const open = (lastId: string | undefined): Promise<Response> =>
        api.request(
          'GET',
          'v1/events/stream',
          {
            q: words.length > 0 ? words.join(' ') : undefined,
            trail: options.trail,
            from: lastId === undefined ? options.from : undefined,
          },
          { headers: lastId === undefined ? {} : { 'last-event-id': lastId }, timely: 'beginning' },
        );
      const onConnection = (state: 'lost' | 'back'): void =>
        terminal.err(state === 'lost' ? 'connection lost; reconnecting\n' : 'connected again\n');
      for await (const message of readServerEvents({ open, signal, onConnection })) {
        const stored = JSON.parse(message) as StoredEntry;
        terminal.out(options.json ? jsonLine(stored) : tailRow(stored, terminal.columns));
      }
    });
}

/** `sealtrail prove` */
export function proveCommand(context: CliContext): Command {
  return withServer(new Command('prove'))
    .description('print the proof that an event is in the log (C2SP tlog-proof)')
    .argument('<id>', 'event id')
    .option('--trail <trail>', 'the trail (default main)')
    .action(async (id: string, options: EventOptions) => {
      const path = `v1/events/${encodeURIComponent(id)}`;
      const api = apiOf(options, context);
      const proof = await api.text('GET', `${path}/proof`, { trail: options.trail });
      // An answer that is no proof is told now, not when somebody needs it.
      parseProofFile(proof);
      if (!options.json) {
        context.terminal.out(proof);
        return;
      }
      const { index, entry } = await api.json<StoredEntry>('GET', path, { trail: options.trail });
      context.terminal.out(jsonLine({ index, entry, proof }));
    });
}

/** How entries are shown in a table, a row by `entryRow`. */
export const entryColumns: readonly Column[] = [
  { heading: 'INDEX', isWhole: true },
  { heading: 'TIME', isWhole: true },
  { heading: 'ACTION' },
  { heading: 'OUTCOME', isWhole: true },
  { heading: 'ACTOR' },
  { heading: 'TARGET' },
  { heading: 'SOURCE', isWhole: true },
];

export function entryRow({ index, entry }: StoredEntry): string[] {
  return [
    String(index),
    entry.time,
    entry.action,
    entry.outcome ?? '',
    actorText(entry),
    targetText(entry),
    entry.source?.ip ?? '',
  ];
}

/** One row without knowing the ones to come: places of usual widths, and what is left of the room for the others. */
function tailRow(stored: StoredEntry, room: number): string {
  const usual = { index: 8, time: 24, outcome: 7, source: 15, gaps: 12 };
  const taken = usual.index + usual.time + usual.outcome + usual.source + usual.gaps;
  const other = Number.isFinite(room) ? Math.max(24, Math.floor((room - taken) / 3)) : 24;
  const natural = [usual.index, usual.time, other, usual.outcome, other, other, usual.source];
  return layRow(entryColumns, entryRow(stored), layOut(entryColumns, natural, room));
}

/** The id is what tells two people of one name apart. */
const actorText = ({ actor }: Entry): string =>
  actor?.name !== undefined && actor.id !== undefined
    ? `${actor.id} (${actor.name})`
    : (actor?.id ?? actor?.name ?? actor?.type ?? '');
const targetText = ({ targets }: Entry): string =>
  (targets ?? []).map(({ type, id, name }) => `${type}:${id ?? name ?? ''}`).join(' ');
