import { textOf, withValue } from './event-fields.ts';
import { foldCase } from './fold.ts';

/** The values of one field of one event, with their texts, each made when it is first asked for. */
export class FieldView {
  readonly #values: unknown[];
  #texts: readonly string[] | undefined;
  #folded: readonly string[] | undefined;

  /** @param values it is the view's from then on */
  constructor(values: unknown[]) {
    this.#values = values;
  }

  get values(): readonly unknown[] {
    return this.#values;
  }

  /** Adds a value, of an array its elements, before anybody has asked for the texts. */
  add(value: unknown): void {
    withValue(this.#values, value);
  }

  /** Texts of the values that have one. */
  get texts(): readonly string[] {
    this.#texts ??= textsOf(this.#values);
    return this.#texts;
  }

  /** The texts without regard to case. */
  get folded(): readonly string[] {
    this.#folded ??= foldAll(this.texts);
    return this.#folded;
  }
}

/** Mostly all values are texts: then nothing is made. */
function textsOf(values: readonly unknown[]): readonly string[] {
  let isText = true;
  for (let i = 0; i < values.length; i++) if (typeof values[i] !== 'string') isText = false;
  if (isText) return values as readonly string[];
  const texts: string[] = [];
  for (let i = 0; i < values.length; i++) {
    const text = textOf(values[i]);
    if (text !== undefined) texts.push(text);
  }
  return texts;
}

function foldAll(texts: readonly string[]): readonly string[] {
  // An array with its one element takes a fraction of the room of one that has grown to it.
  if (texts.length === 1) return [foldCase(texts[0]!)];
  return texts.map(foldCase);
}
