/** Which page of a bounded list, from 1. */
export interface NumberedPageQuery {
  readonly page: number;
  readonly pageSize: number;
}

export interface NumberedPagination extends NumberedPageQuery {
  readonly totalCount: number;
  readonly hasMore: boolean;
}

/** One page of a bounded administrative list, which pages by number (http-api.md, Ids, time, pagination). */
export class NumberedPage<Item> {
  readonly pagination: NumberedPagination;

  constructor(
    readonly items: readonly Item[],
    { page, pageSize }: NumberedPageQuery,
    totalCount: number,
  ) {
    this.pagination = { page, pageSize, totalCount, hasMore: page * pageSize < totalCount };
  }

  map<Other>(change: (item: Item) => Other): NumberedPage<Other> {
    return new NumberedPage(this.items.map(change), this.pagination, this.pagination.totalCount);
  }
}
