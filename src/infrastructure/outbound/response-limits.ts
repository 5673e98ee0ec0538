import { errors, type Dispatcher } from 'undici';

/** Bytes. More than any answer needs; a body beyond it is an attack or a fault. */
const maxAnswerBytes = 64 * 1024 * 1024;
/** Of what is asked for with GET: lists, which are read whole. */
const maxListBytes = 8 * 1024 * 1024;
/** Of what is no success: it says in a few words why. */
const maxRefusalBytes = 64 * 1024;

/** What one request may add to what undici knows. */
export interface ResponseOptions {
  /** Bytes of a successful response; without it, those that its method may have. */
  readonly maxBytes?: number;
}

/** The response is compressed, which nobody asked for: a small one may become gigabytes. */
class CompressedResponseError extends Error {
  override readonly name = 'CompressedResponseError';
  readonly code = 'COMPRESSED_RESPONSE';

  constructor() {
    super('The response is compressed, though it was to be sent as it is');
  }
}

/**
 * Ends a response that is larger than it may be, and a successful one that is compressed, and closes its socket. What is no success keeps
 * its status: nobody decompresses its body.
 */
export const limitResponses: Dispatcher.DispatcherComposeInterceptor = (dispatch) => (options, handler) => {
  const { maxBytes } = options as ResponseOptions; // undici passes on what `request` was given.
  const successBytes = maxBytes ?? (options.method === 'GET' ? maxListBytes : maxAnswerBytes);
  return dispatch(options, new LimitedResponse(handler, successBytes));
};

class LimitedResponse implements Dispatcher.DispatchHandler {
  private leftBytes = 0;

  constructor(
    private readonly reader: Dispatcher.DispatchHandler,
    private readonly successBytes: number,
  ) {}

  onRequestStart(controller: Dispatcher.DispatchController, context: unknown): void {
    this.reader.onRequestStart?.(controller, context);
  }

  onResponseStart(
    controller: Dispatcher.DispatchController,
    status: number,
    headers: Parameters<NonNullable<Dispatcher.DispatchHandler['onResponseStart']>>[2],
    statusMessage?: string,
  ): void {
    const isSuccess = status >= 200 && status < 300;
    this.leftBytes = isSuccess ? this.successBytes : maxRefusalBytes;
    const { 'content-encoding': coding = '', ...others } = headers;
    const isPlain = /^(?:identity)?$/i.test(String(coding).trim());
    if (isSuccess && !isPlain) controller.abort(new CompressedResponseError());
    else this.reader.onResponseStart?.(controller, status, others, statusMessage);
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.leftBytes -= chunk.length;
    if (this.leftBytes < 0) controller.abort(new errors.ResponseExceededMaxSizeError());
    else this.reader.onResponseData?.(controller, chunk);
  }

  onResponseEnd(...end: Parameters<NonNullable<Dispatcher.DispatchHandler['onResponseEnd']>>): void {
    this.reader.onResponseEnd?.(...end);
  }

  onResponseError(...failure: Parameters<NonNullable<Dispatcher.DispatchHandler['onResponseError']>>): void {
    this.reader.onResponseError?.(...failure);
  }
}
