import { type NewSilence, SealtrailError, type Silence } from '@sealtrail/core';
import { deterministicId } from '../../access/deterministic-id.ts';
import type { Issuer } from '../../access/issue-token.ts';
import type { ActStore, AlertStore, StoredSilence } from '../../detection-ports.ts';
import { isoTime } from '../../iso-time.ts';

export interface SilencesParts {
  readonly store: Pick<AlertStore, 'silences' | 'openSilences' | 'putSilence'>;
  readonly acts: ActStore;
  readonly now: () => number;
  /** Makes an id: `sil_` and something random. */
  readonly newId: () => string;
}

const maxSilenceMs = 366 * 86_400_000;
/** That have not ended: each is held against each alert. */
const maxSilences = 1000;

/** Silences: what keeps channels from being told, by whom, why and until when. Whoever calls has a transaction open. */
export class Silences {
  readonly #parts: SilencesParts;

  constructor(parts: SilencesParts) {
    this.#parts = parts;
  }

  /** Those that end last come first. */
  list(): readonly Silence[] {
    return this.#parts.store.silences().map((silence) => this.#shown(silence));
  }

  /**
   * @param exceptSystem whether alerts of the trail `system` are told all the same
   * @throws SealtrailError invalid_body, when its time is none
   */
  create({ match, owner, reason, startsAt, endsAt }: NewSilence, exceptSystem: boolean, by: Issuer): Silence {
    const { store, acts, now, newId } = this.#parts;
    const nowMs = now();
    const startMs = startsAt === undefined ? nowMs : Math.max(nowMs, Date.parse(startsAt));
    const endMs = Date.parse(endsAt);
    if (endMs <= startMs)
      throw new SealtrailError('invalid_body', '/endsAt: expected a time after its start');
    if (endMs - startMs > maxSilenceMs)
      throw new SealtrailError('invalid_body', '/endsAt: expected at most a year after its start');
    if (store.openSilences(nowMs).length >= maxSilences)
      throw new SealtrailError('invalid_body', `expected at most ${maxSilences} silences`);
    const silence: StoredSilence = {
      id: newId(),
      ...{ match, exceptSystem, owner, reason },
      startsAt: isoTime(startMs),
      endsAt: isoTime(endMs),
      createdBy: by.actor?.id ?? 'system',
      createdAt: isoTime(nowMs),
      endedBy: null,
    };
    store.putSilence(silence);
    acts.add({
      id: deterministicId(`silence.create ${silence.id}`),
      time: silence.createdAt,
      action: 'silence.create',
      category: 'configuration',
      ...by,
      targets: [{ type: 'silence', id: silence.id }],
      metadata: {
        ...{ owner, reason, startsAt: silence.startsAt, endsAt: silence.endsAt, exceptSystem },
        match: JSON.parse(JSON.stringify(match)) as Record<string, string>,
      },
    });
    return this.#shown(silence);
  }

  /** Ends a silence before its time; of one that has ended nothing changes. @throws SealtrailError silence_not_found */
  end(id: string, by: Issuer): Silence {
    const { store, acts, now } = this.#parts;
    const silence = store.silences().find((one) => one.id === id);
    if (silence === undefined) throw new SealtrailError('silence_not_found');
    const nowMs = now();
    if (Date.parse(silence.endsAt) <= nowMs) return this.#shown(silence);
    const at = isoTime(nowMs);
    const startsAt = Date.parse(silence.startsAt) > nowMs ? at : silence.startsAt;
    const ended = { ...silence, startsAt, endsAt: at, endedBy: by.actor?.id ?? 'system' };
    store.putSilence(ended);
    acts.add({
      id: deterministicId(`silence.end ${id}`),
      time: at,
      action: 'silence.end',
      category: 'configuration',
      ...by,
      targets: [{ type: 'silence', id }],
    });
    return this.#shown(ended);
  }

  #shown(silence: StoredSilence): Silence {
    const nowMs = this.#parts.now();
    const state =
      Date.parse(silence.endsAt) <= nowMs
        ? 'ended'
        : Date.parse(silence.startsAt) > nowMs
          ? 'pending'
          : 'active';
    return { ...silence, state };
  }
}
