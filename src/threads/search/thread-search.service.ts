import { Injectable } from '@nestjs/common';
import { Page } from '../../common/cursor.js';
import { DomainError } from '../../common/domain-error.js';
import type { Owner } from '../../common/owner.js';
import { excerptOf, type Excerpt } from './excerpt.js';
import type { SearchKind } from './search-document.entity.js';
import { termsOf, type SearchTerm } from './search-terms.js';
import { ThreadSearchRepository, type ThreadSearch } from './thread-search.repository.js';
import { wordsOf } from './words.js';

/** To rank a text takes the square of these, by how often each of them is there. */
const mostWords = 32;

/** Where a thread answers a search best. */
export interface Match extends Excerpt {
  readonly kind: SearchKind;
  /** Null unless it is a message. */
  readonly messageId: string | null;
}

interface FoundThread {
  readonly threadId: string;
  readonly match: Match;
}

/** Finds threads by the words in their titles, summaries and messages. */
@Injectable()
export class ThreadSearchService {
  constructor(private readonly repository: ThreadSearchRepository) {}

  /**
   * Threads of the owner in which one text has everything that is asked for. A query without words finds nothing.
   * @throws DomainError VALIDATION_FAILED when it has more than 32 words, INVALID_CURSOR, SEARCH_TIMEOUT
   */
  async find(owner: Owner, search: ThreadSearch): Promise<Page<FoundThread>> {
    const terms = termsOf(search.q);
    expectFew(terms);
    const tsQuery = terms.length === 0 ? undefined : await this.repository.queryOf(terms);
    if (tsQuery === undefined) {
      return new Page([], { cursor: null, limit: search.limit, hasMore: false, totalCount: 0 });
    }
    const page = await this.repository.page(owner, tsQuery, search);
    const phrases = terms.filter(({ operator }) => !operator.includes('-')).map(({ text }) => text);
    const texts = page.items.length === 0 ? [] : await this.repository.textsOf(owner, tsQuery, page.items);
    const excerpts = new Map(
      texts.map(({ threadId, text, words }) => [threadId, excerptOf(text, words, phrases)]),
    );
    return page.map(({ threadId, kind, sourceId }) => ({
      threadId,
      match: {
        kind,
        messageId: kind === 'message' ? sourceId : null,
        ...(excerpts.get(threadId) ?? { text: '', ranges: [] }),
      },
    }));
  }
}

/** Of scripts without spaces each character is a word; some characters are several (U+FDFA). */
function expectFew(terms: readonly SearchTerm[]): void {
  const words = terms.flatMap(({ text }) => wordsOf(text)).flatMap(({ folded }) => folded.split(' '));
  if (words.length <= mostWords) return;
  const message = `A search has at most ${mostWords} words, or characters of scripts without spaces.`;
  throw new DomainError('VALIDATION_FAILED', { message, param: 'q' });
}
