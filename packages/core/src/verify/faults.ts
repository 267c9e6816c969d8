import { type FaultName, faultKinds } from './fault-kinds.ts';
import { Spans } from './spans.ts';
import type { CheckResult, VerdictRange } from './verdict.ts';

/** Collects faults: many of one kind become one result. */
export class Faults {
  readonly #found = new Map<FaultName, { readonly spans: Spans; detail: string; times: number }>();

  /** Notes a fault of entries first to last. The first detail of a kind is kept. */
  at(name: FaultName, first: number, last: number = first, detail: string = ''): void {
    this.#record(name, detail).spans.add(first, last);
  }

  /** Notes a fault of many entries. */
  over(name: FaultName, spans: Spans, detail: string = ''): void {
    if (!spans.isEmpty) this.#record(name, detail).spans.addAll(spans);
  }

  /** Notes a fault that no entry is to blame for. */
  note(name: FaultName, detail: string): void {
    this.#record(name, detail).times++;
  }

  /** Whether a check has found anything. */
  failed(check: string): boolean {
    return [...this.#found.keys()].some((name) => faultKinds[name].check === check);
  }

  results(): CheckResult[] {
    return [...this.#found].map(([name, { spans, detail, times }]) => {
      const { check, code, message, advice } = faultKinds[name];
      const more = times > 1 ? ` (and ${times - 1} more)` : '';
      const { first: firstIndex, last: lastIndex, count } = spans;
      return {
        check,
        status: 'failed',
        code,
        ...(spans.isEmpty ? {} : { firstIndex, lastIndex, count }),
        message: message(`${detail}${more}`),
        advice,
      };
    });
  }

  /** Entries that are not what was signed. Faults of stored hashes and of content leave the entries what they are. */
  entryRanges(): VerdictRange[] {
    return [...this.#found].flatMap(([name, { spans }]) => {
      const { check, code } = faultKinds[name];
      const concernsEntries = check === 'entries' || code === 'rolled_back';
      return concernsEntries ? spans.list().map((span) => ({ ...span, code })) : [];
    });
  }

  #record(name: FaultName, detail: string): { readonly spans: Spans; detail: string; times: number } {
    const found = this.#found.get(name) ?? { spans: new Spans(), detail, times: 0 };
    this.#found.set(name, found);
    return found;
  }
}
