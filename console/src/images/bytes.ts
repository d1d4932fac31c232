import { requestHeaders } from '../api/client';
import { problemOf } from '../api/problem';
import type { Image } from '../api/types';
import { images } from './images';
import { sendParts } from './parts';

const place = (id: string) => `/api/v1/images/${encodeURIComponent(id)}/content`;

/** Sends an image's bytes in parts. @param goOn After an attempt with the same file: what has come is not sent again. */
export function upload(id: string, file: Blob, goOn: boolean, progress: (sent: number) => void, cancel: AbortSignal): Promise<Image> {
  return sendParts(file, goOn, {
    get: () => images.get(id),
    put: (part, range, sent) => put(id, part, range, sent, cancel),
    pause: (milliseconds) => new Promise((resolve) => {
      setTimeout(resolve, milliseconds);
      cancel.addEventListener('abort', () => resolve(), { once: true });
    }),
  }, progress, cancel);
}

/** One part. XMLHttpRequest, because fetch cannot tell how much has been sent. */
function put(id: string, part: Blob, range: string | null, progress: (sent: number) => void, cancel: AbortSignal): Promise<Image> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    const fail = () => reject(new TypeError('upload'));
    request.open('PUT', place(id));
    for (const [name, value] of Object.entries(requestHeaders())) request.setRequestHeader(name, value);
    request.setRequestHeader('Content-Type', 'application/octet-stream');
    if (range !== null) request.setRequestHeader('Content-Range', range);
    request.upload.onprogress = (e) => progress(e.loaded);
    request.onerror = fail;
    request.onabort = fail;
    request.onload = () => {
      let body: unknown = null;
      try {
        body = JSON.parse(request.responseText);
      } catch {
        // Not the API's answer; the status tells enough.
      }
      if (request.status >= 200 && request.status < 300) resolve(body as Image);
      else reject(problemOf(body, new Response(null, { status: request.status, statusText: request.statusText })));
    };
    cancel.addEventListener('abort', () => request.abort(), { once: true });
    request.send(part);
  });
}

/** Reads an image's bytes. The browser keeps them on disk where they are many, and asks where they go when all are there. */
export async function read(id: string, progress: (received: number) => void, cancel: AbortSignal): Promise<Blob> {
  const answer = await fetch(place(id), { headers: requestHeaders(), signal: cancel });
  if (!answer.ok || answer.body === null) throw problemOf(await answer.json().catch(() => null), answer);
  let received = 0;
  const counted = answer.body.pipeThrough(new TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>>({
    transform: (part, next) => {
      received += part.byteLength;
      progress(received);
      next.enqueue(part);
    },
  }));
  return new Response(counted).blob();
}
