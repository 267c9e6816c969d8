import fc from 'fast-check';
import { type Field, fields, resolveField } from '../fields.ts';
import { all, and, type Filter, not, or } from '../filter.ts';
import { cidrText, ipKey, ipText } from '../ip.ts';
import { wordsOf } from '../words.ts';
import { firstTimeMs, vocabulary as v } from './any-entry.ts';

/** Any filter that the parser can give, in the form in which it gives it. */
export function anyFilter(): fc.Arbitrary<Filter> {
  return fc.letrec<{ filter: Filter; leaf: Filter }>((tie) => ({
    leaf: fc.oneof(
      { weight: 1, arbitrary: fc.constant(all) },
      { weight: 6, arbitrary: text(undefined) },
      { weight: 20, arbitrary: field().chain(condition) },
    ),
    filter: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      tie('leaf'),
      fc.array(tie('filter'), { minLength: 1, maxLength: 3 }).map(and),
      fc.array(tie('filter'), { minLength: 1, maxLength: 3 }).map(or),
      tie('filter').map(not),
    ),
  })).filter;
}

function field(): fc.Arbitrary<Field> {
  const path = fc.array(fc.constantFrom(...v.metadataKey), { minLength: 1, maxLength: 3 });
  return fc.oneof(
    { weight: 5, arbitrary: fc.constantFrom(...fields) },
    { weight: 2, arbitrary: path.map((keys) => resolveField(`metadata.${keys.join('.')}`)!) },
  );
}

const anyText = fc.oneof(
  fc.constantFrom<string>(...v.action, ...v.id, ...v.long, ...v.text, ...v.metadataText, ...v.ip),
  fc.string({ unit: 'grapheme', maxLength: 8 }).filter((value) => value.isWellFormed()),
);

function text(name: string | undefined): fc.Arbitrary<Filter> {
  return fc
    .record({ text: fc.oneof(anyText, anyText.map(firstWords)), prefix: fc.boolean() })
    .filter((one) => wordsOf(one.text).length > 0)
    .map((one) => ({ op: 'text', ...(name === undefined ? {} : { field: name }), ...one }));
}

const firstWords = (value: string): string => value.slice(0, Math.ceil(value.length / 2)).toWellFormed();

function condition(of: Field): fc.Arbitrary<Filter> {
  const exists = fc.constant<Filter>({ op: 'exists', field: of.name });
  return fc.oneof({ weight: 1, arbitrary: exists }, { weight: 6, arbitrary: valueCondition(of) });
}

function valueCondition(of: Field): fc.Arbitrary<Filter> {
  const name = of.name;
  const number = fc.constantFrom<number>(...v.number);
  switch (of.kind) {
    case 'keyword': {
      if (of.values === undefined) {
        const value = name === 'id' ? anyText.map((one) => one.toLowerCase()) : anyText;
        return fc.oneof(equal(name, value), glob(name, name === 'id'));
      }
      const value = fc.constantFrom(...of.values);
      return fc.oneof(equal(name, value), glob(name, false), ...(of.ordered ? [range(name, value)] : []));
    }
    case 'text': {
      // A star only at the end is a search for words instead.
      const inner = glob(name, false).filter(
        (one) => one.op === 'glob' && !(one.parts.length === 2 && one.parts[1] === ''),
      );
      return fc.oneof(text(name), equal(name, anyText), inner);
    }
    case 'metadata':
      return fc.oneof(
        equal(name, fc.oneof(anyText, number.map(String))),
        glob(name, false),
        range(name, number),
      );
    case 'number':
      return fc.oneof(equal(name, number.map(String)), range(name, number));
    case 'time': {
      const ms = fc.oneof(
        fc.nat(2880).map((n) => firstTimeMs + n * 60_000),
        fc.nat(172_800_000).map((n) => firstTimeMs + n),
      );
      return fc.oneof(
        ms.map((gte): Filter => ({ op: 'range', field: name, gte })),
        ms.map((lte): Filter => ({ op: 'range', field: name, lte })),
        fc.tuple(ms, ms).map(([gte, lte]): Filter => ({ op: 'range', field: name, gte, lte })),
      );
    }
    case 'ip': {
      const address = fc
        .oneof(fc.constantFrom<string>(...v.ip), fc.ipV4(), fc.ipV6())
        .map((one) => ipText(ipKey(one)!));
      const network = fc.tuple(address, fc.nat(128)).map(([base, bits]): Filter => {
        const length = base.includes(':') ? bits : bits % 33;
        return { op: 'cidr', field: name, network: cidrText(`${base}/${length}`)! };
      });
      return fc.oneof(equal(name, address), network, range(name, address));
    }
  }
}

function equal(name: string, value: fc.Arbitrary<string>): fc.Arbitrary<Filter> {
  return value.map((one) => ({ op: 'eq', field: name, value: one }));
}

function glob(name: string, lowerCase: boolean): fc.Arbitrary<Filter> {
  return fc
    .tuple(
      anyText,
      fc.array(fc.tuple(fc.nat(400), fc.nat(400)), { minLength: 1, maxLength: 2 }),
      fc.integer({ min: 0, max: 3 }),
    )
    .map(([value, cuts, disorder]) => {
      // Pieces of a value in their order, so that something is found; at times pieces that overlap, so that nothing may be.
      const ends = cuts.flat().map((at) => at % (value.length + 1));
      if (disorder > 0) ends.sort((a, b) => a - b);
      const parts = [value.slice(0, ends[0])];
      for (let i = 1; i < ends.length - 1; i += 2) parts.push(value.slice(ends[i], ends[i + 1]));
      parts.push(value.slice(ends.at(-1)));
      return parts.map((part) => (lowerCase ? part.toLowerCase() : part));
    })
    .map((parts) => parts.filter((part, i) => part !== '' || i === 0 || i === parts.length - 1))
    .filter((parts) => parts.some((part) => part !== '') && parts.every((part) => part.isWellFormed()))
    .map((parts) => ({ op: 'glob', field: name, parts }));
}

function range<T extends number | string>(name: string, value: fc.Arbitrary<T>): fc.Arbitrary<Filter> {
  const sign = fc.constantFrom('gt', 'gte', 'lt', 'lte');
  return fc.oneof(
    fc.tuple(sign, value).map(([key, one]): Filter => ({ op: 'range', field: name, [key]: one })),
    fc.tuple(value, value).map(([gte, lte]): Filter => ({ op: 'range', field: name, gte, lte })),
  );
}
