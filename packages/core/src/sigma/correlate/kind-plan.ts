import type { Correlation } from '../correlation.ts';
import { GapWindow } from './gap-window.ts';
import { NewTermsWindow } from './new-terms-window.ts';
import { RateWindow } from './rate-window.ts';
import { SilenceWindow } from './silence-window.ts';
import { TravelWindow } from './travel-window.ts';
import type { WindowPlan } from './window-plan.ts';

/** How the groups of correlations are looked at that Sigma does not have. */
export function planKind({ kind, timespanMs: spanMs }: Correlation): WindowPlan {
  switch (kind?.type) {
    case 'new_terms':
      return {
        ...{ isOrdered: true, foresees: true, value: 'text', isByRule: false },
        opener: ({ changed, gaveUp }) => {
          const spec = { ...kind, spanMs, changed, gaveUp };
          return (key, saved) => new NewTermsWindow(spec, key, saved);
        },
      };
    case 'rate': {
      const windows = Math.floor(kind.historyMs / spanMs);
      return {
        ...{ isOrdered: true, value: 'none', isByRule: false },
        opener: ({ changed }) => {
          const spec = { ...kind, spanMs, windows, changed };
          return (key, saved) => new RateWindow(spec, key, saved);
        },
      };
    }
    case 'silence':
      return {
        ...{ isOrdered: false, isHeard: true, value: 'none', isByRule: false },
        opener: ({ changed }) => {
          const spec = { ...kind, spanMs, changed };
          return (key, saved) => new SilenceWindow(spec, key, saved);
        },
      };
    case 'sequence_gap':
      return {
        ...{ isOrdered: true, value: 'number', isByRule: false },
        opener: ({ changed, gaveUp }) => {
          const spec = { ...kind, spanMs, changed, gaveUp };
          return (key, saved) => new GapWindow(spec, key, saved);
        },
      };
    case 'impossible_travel':
      return {
        ...{ isOrdered: true, value: 'text', isByRule: false },
        opener: ({ changed, locate }) => {
          const spec = { ...kind, spanMs, locate, changed };
          return (key, saved) => new TravelWindow(spec, key, saved);
        },
      };
    default:
      throw new Error(`no window is known for a correlation of kind ${kind?.type}`);
  }
}
