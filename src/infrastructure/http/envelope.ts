import { Page, type Pagination } from '../../common/cursor.js';
import { NumberedPage, type NumberedPagination } from '../../common/numbered-page.js';
import { currentRequestId } from './request-context.js';

interface Success {
  readonly success: true;
  readonly data: unknown;
  readonly pagination?: Pagination | NumberedPagination;
  readonly timestamp: string;
  readonly requestId: string;
}

/** The envelope of `/api` around what a route answers (http-api.md). A page becomes data and pagination. */
export function successEnvelope(result: unknown, now: Date): Success {
  return {
    success: true,
    ...(result instanceof Page || result instanceof NumberedPage
      ? { data: result.items as unknown, pagination: result.pagination }
      : { data: result ?? null }),
    timestamp: now.toISOString(),
    requestId: currentRequestId(),
  };
}
