import { wordsOf } from './words.js';

/** A word or phrase that somebody looks for, and what joins it to those before. */
export interface SearchTerm {
  readonly operator: '' | '-' | 'or ' | 'or -';
  readonly text: string;
}

/**
 * What a query asks for, by the rules of `websearch_to_tsquery`: words, "phrases", `or`, and `-` for what must not be there. Each
 * term is a phrase, because one word for people can be several for the index: `config.yaml`, or one of a script without spaces.
 */
export function termsOf(query: string): SearchTerm[] {
  const terms: SearchTerm[] = [];
  let isOr = false;
  for (const [, minus = '', phrase, word] of query.matchAll(/(-?)(?:"([^"]*)"?|([^\s"]+))/gu)) {
    const text = phrase ?? word ?? '';
    if (phrase === undefined && minus === '' && text.toLowerCase() === 'or') {
      isOr = terms.length > 0;
    } else if (wordsOf(text).length > 0) {
      terms.push({ operator: `${isOr ? 'or ' : ''}${minus === '' ? '' : '-'}`, text });
      isOr = false;
    }
  }
  return terms;
}
