import type { Random } from './random.ts';
import type { Visitor } from './visitor.ts';

/** What a piece of traffic has to work with. */
export interface Scene {
  readonly random: Random;
  /** Someone new, without a cookie. */
  readonly visitor: (who: { readonly ip: string; readonly userAgent: string }) => Visitor;
  /** Tells what happened, in a sentence without a full stop; waits as long as steps are apart. */
  readonly say: (step: string) => void;
  readonly pause: () => Promise<void>;
}
