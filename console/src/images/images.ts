import { answer, api, requestHeaders } from '../api/client';
import { problemOf } from '../api/problem';
import type { CreateImage, Image } from '../api/types';
import type { Text } from '../i18n/text';

export const images = {
  key: 'images',
  list: (query: { limit: number; cursor?: string; state?: string; visibility?: string; name?: string }) => answer(api.GET('/api/v1/images', { params: { query } })),
  create: (body: CreateImage) => answer(api.POST('/api/v1/images', { body })),
  remove: (id: string) => answer(api.DELETE('/api/v1/images/{image}', { params: { path: { image: id } } })),
};

/** What starts a machine, and what it sees of disk and network. */
export function machineText(t: Text, { firmware, deviceModel }: Pick<Image, 'firmware' | 'deviceModel'>): string {
  return `${t.word('image.firmware', firmware)} · ${t.word('image.deviceModel', deviceModel)}`;
}

/** Sends an image's bytes. XMLHttpRequest, because fetch cannot tell how much has been sent. */
export function upload(id: string, file: Blob, progress: (sent: number) => void, cancel: AbortSignal): Promise<Image> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    const fail = () => reject(new TypeError('upload'));
    request.open('PUT', `/api/v1/images/${encodeURIComponent(id)}/content`);
    for (const [name, value] of Object.entries(requestHeaders())) request.setRequestHeader(name, value);
    request.setRequestHeader('Content-Type', 'application/octet-stream');
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
    request.send(file);
  });
}
