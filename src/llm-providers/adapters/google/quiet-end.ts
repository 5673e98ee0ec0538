/** Milliseconds for what may follow the chunk that says why the answer ended. Normally the body ends with it. */
const quietMs = 250;
/** After that the socket can still serve the next request, when the body ends. */
const drainMs = 1000;

type Reader = ReadableStreamDefaultReader<Uint8Array>;
type Reading = ReturnType<Reader['read']>;

/**
 * A body that ends by itself, or a moment after the answer is over: the API has no terminator, so there may be more after the chunk
 * that has the reason, but nobody shall wait for it. Once the answer is over, a broken connection is an end like any other.
 * @param isOver whether what was read so far is a whole answer; asked before each reading
 */
export function untilQuiet(
  body: ReadableStream<Uint8Array>,
  isOver: () => boolean,
): ReadableStream<Uint8Array> {
  const reader = body.getReader();
  return new ReadableStream(
    {
      async pull(controller) {
        const reading = reader.read();
        const result = isOver() ? await soon(reading) : await reading;
        if (result === undefined) void drain(reader, reading).catch(() => undefined);
        if (result === undefined || result.done) controller.close();
        else controller.enqueue(result.value);
      },
      cancel: (reason) => reader.cancel(reason),
    },
    // Nothing is read ahead: what is read decides whether to go on.
    { highWaterMark: 0 },
  );
}

/** Undefined when there is nothing within `quietMs`, or nothing any more. */
async function soon(reading: Reading): Promise<Awaited<Reading> | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const silence = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), quietMs);
  });
  try {
    return await Promise.race([reading, silence]);
  } catch {
    return undefined;
  } finally {
    clearTimeout(timer);
  }
}

async function drain(reader: Reader, reading: Reading): Promise<void> {
  const timer = setTimeout(() => void reader.cancel().catch(() => undefined), drainMs).unref();
  try {
    for (let next = reading; !(await next).done; next = reader.read());
  } finally {
    clearTimeout(timer);
  }
}
