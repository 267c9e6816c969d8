import type { HttpContext } from './context.ts';

/** How often a reader that nothing was sent to is told that the stream is there. */
export const heartbeatMs = 15_000;

const headers = {
  'content-type': 'text/event-stream',
  'cache-control': 'no-store',
  'x-accel-buffering': 'no',
} as const;

const encoder = new TextEncoder();

export interface EventStream {
  /** Gives back what the stream took, once it ends in whatever way. */
  readonly free: () => void;
  /** Aborted when the server closes. */
  readonly closing: AbortSignal;
  /** What comes before the first frame; when it fails, there is no stream. */
  readonly begin: () => Promise<void>;
  /** What is sent, until the signal. */
  readonly frames: (signal: AbortSignal) => AsyncGenerator<string>;
}

/** Answers with server-sent events (WHATWG HTML, section 9.2). */
export async function eventStream(
  c: HttpContext,
  { free, closing, begin, frames }: EventStream,
): Promise<Response> {
  const stop = new AbortController();
  const texts = frames(AbortSignal.any([stop.signal, closing]));
  stop.signal.addEventListener('abort', () => {
    free();
    // Where it waits for its reader it would wait for ever, and go on listening.
    void texts.return(undefined);
  });
  try {
    await begin();
  } catch (error) {
    stop.abort();
    throw error;
  }
  if (c.req.method === 'HEAD') {
    stop.abort();
    return new Response(null, { headers });
  }
  // The connection may be gone before anything is read from the stream.
  c.req.raw.signal.addEventListener('abort', () => stop.abort());
  return new Response(streamOf(texts, stop), { headers });
}

/** A stream that is pulled by its reader, so a slow one holds up nobody but itself; `stop` is aborted when it ends. */
function streamOf(texts: AsyncGenerator<string>, stop: AbortController): ReadableStream<Uint8Array> {
  return new ReadableStream(
    {
      async pull(controller) {
        try {
          const { value, done } = await texts.next();
          if (!done) return controller.enqueue(encoder.encode(value));
          stop.abort();
          controller.close();
        } catch (error) {
          stop.abort();
          throw error;
        }
      },
      cancel() {
        stop.abort();
      },
    },
    { highWaterMark: 0 },
  );
}
