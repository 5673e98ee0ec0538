import { Injectable } from '@nestjs/common';
import { Page } from '../../common/cursor.js';
import type { Owner } from '../../common/owner.js';
import { excerptOf, type Excerpt } from './excerpt.js';
import type { SearchKind } from './search-document.entity.js';
import { termsOf } from './search-terms.js';
import { ThreadSearchRepository, type ThreadSearch } from './thread-search.repository.js';

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
   * @throws DomainError INVALID_CURSOR
   */
  async find(owner: Owner, search: ThreadSearch): Promise<Page<FoundThread>> {
    const terms = termsOf(search.q);
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
