import { type Filter, fieldOf } from '@sealtrail/core';
import { codeOf, type Question } from './question.ts';
import { TEXTS, WORD } from './terms.ts';

/** How much work a filter is, in terms walked through. */
export function workOf(question: Question, filter: Filter): number {
  switch (filter.op) {
    case 'all':
      return 0;
    case 'eq':
    case 'exists':
      return 1;
    case 'range':
    case 'cidr':
    case 'glob':
      return walkOf(question, filter);
    case 'text':
      return filter.prefix ? question.segment.termCount(WORD) / narrowed : 2;
    case 'not':
      return workOf(question, filter.filter);
    case 'and':
    case 'or':
      return filter.filters.reduce((sum, part) => sum + workOf(question, part), 0);
  }
}

/** Of how many terms one begins with a prefix, as a guess. */
const narrowed = 64;
/** A look through a column of numbers, in terms. */
const columnWork = 100;

function walkOf(question: Question, filter: Filter & { op: 'range' | 'cidr' | 'glob' }): number {
  const field = fieldOf(filter.field);
  if (filter.op === 'range' && field.kind !== 'ip') return columnWork;
  const code = codeOf(question, field);
  if (code === undefined) return 1;
  const terms = question.segment.termCount(field.kind === 'metadata' ? code + TEXTS : code);
  const isNarrowed = filter.op !== 'glob' || (field.kind !== 'text' && filter.parts[0] !== '');
  return isNarrowed ? terms / narrowed : terms;
}
