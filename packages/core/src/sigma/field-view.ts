import { textOf } from './event-fields.ts';
import { foldCase } from './fold.ts';

/** The values of one field of one event, with their texts, each made when it is first asked for. */
export class FieldView {
  readonly values: readonly unknown[];
  #texts: readonly string[] | undefined;
  #folded: readonly string[] | undefined;

  constructor(values: readonly unknown[]) {
    this.values = values;
  }

  /** Texts of the values that have one. */
  get texts(): readonly string[] {
    this.#texts ??= this.values.flatMap((value) => textOf(value) ?? []);
    return this.#texts;
  }

  /** The texts without regard to case. */
  get folded(): readonly string[] {
    this.#folded ??= this.texts.map(foldCase);
    return this.#folded;
  }
}
