import { session } from '../session/session';
import { requestHeaders } from './client';
import { SseParser } from './sse';
import type { Event } from './types';

export type StreamState = 'connecting' | 'live' | 'waiting';

/** Silence longer than this is a dead connection: the server sends a comment every 15 s. */
const silenceMaxMs = 45_000;
const waitMaxMs = 30_000;

/** Wait before the attempt after `failures` failed ones: doubled each time, and drawn so that a thousand consoles do not come back at once. */
export function waitMs(failures: number, draw: number): number {
  return Math.min(waitMaxMs, 500 * 2 ** Math.min(failures, 10)) * (0.5 + draw / 2);
}

/** Follows the events of the account until aborted, resuming where a lost connection ended. */
export async function followEvents(onEvents: (events: Event[]) => void, onState: (state: StreamState) => void, signal: AbortSignal): Promise<void> {
  let lastId = '';
  for (let failures = 0; !signal.aborted; failures++) {
    onState('connecting');
    const attempt = new AbortController();
    const stop = () => attempt.abort();
    signal.addEventListener('abort', stop);
    let silence = window.setTimeout(stop, silenceMaxMs);
    try {
      const response = await fetch('/api/v1/events/stream', {
        headers: { ...requestHeaders(), Accept: 'text/event-stream', ...(lastId === '' ? {} : { 'Last-Event-ID': lastId }) },
        signal: attempt.signal, cache: 'no-store',
      });
      if (response.status === 401) {
        if (!signal.aborted) session.end('expired');
        return;
      }
      // An id that the server can no longer resume from must not be sent for ever.
      if (response.status >= 400 && response.status < 500) lastId = '';
      if (!response.ok || response.body === null) throw new Error(`event stream: ${response.status}`);
      onState('live');
      failures = 0;
      const parser = new SseParser();
      const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
      for (let got = await reader.read(); !got.done; got = await reader.read()) {
        window.clearTimeout(silence);
        silence = window.setTimeout(stop, silenceMaxMs);
        const messages = parser.feed(got.value);
        if (parser.lastId !== '') lastId = parser.lastId;
        const events = messages.filter((m) => m.event === 'event').map((m) => JSON.parse(m.data) as Event);
        if (events.length > 0) onEvents(events);
      }
    } catch {
      // Whatever ended the connection, the answer is the same: wait, then resume.
    } finally {
      window.clearTimeout(silence);
      signal.removeEventListener('abort', stop);
    }
    if (signal.aborted) return;
    onState('waiting');
    await new Promise<void>((resolve) => {
      const timer = window.setTimeout(resolve, waitMs(failures, Math.random()));
      signal.addEventListener('abort', () => (window.clearTimeout(timer), resolve()), { once: true });
    });
  }
}
