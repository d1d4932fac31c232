import { ProblemError } from '../api/problem';
import type { Image } from '../api/types';

/** What is sent in one request. Less is more requests; more is sent again after a connection that breaks. */
export const partBytes = 32 * 1024 * 1024;

/** How often in a row it is tried: with the pauses longer than a server that was killed is waited for. */
const tries = 12;

/** The way to the servers. */
export interface PartLink {
  /** The image with what has come of it. */
  get(): Promise<Pick<Image, 'state' | 'receivedBytes'>>;
  put(part: Blob, range: string | null, progress: (sent: number) => void): Promise<Image>;
  pause(milliseconds: number): Promise<void>;
}

/** A connection that broke, or servers that are busy with what came over it, are no refusal. */
function isPassing(e: unknown): boolean {
  if (e instanceof ProblemError) return [502, 503, 504].includes(e.problem.status) || ['image-busy', 'upload-offset'].includes(e.problem.code);
  return e instanceof TypeError;
}

/** Sends a file part by part; after a connection that broke it goes on with what the servers do not have yet. */
export async function sendParts(file: Blob, goOn: boolean, link: PartLink, progress: (sent: number) => void, cancel: AbortSignal): Promise<Image> {
  let asks = goOn;
  let from = 0;
  for (let failures = 0; ; ) {
    try {
      if (asks) {
        const image = await link.get();
        from = image.state === 'pending' && image.receivedBytes < file.size ? image.receivedBytes : 0;
      }
      const start = from;
      const end = Math.min(start + partBytes, file.size);
      progress(start);
      const image = await link.put(file.slice(start, end), file.size === 0 ? null : `bytes ${start}-${end - 1}/${file.size}`, (sent) => progress(start + sent));
      if (image.state !== 'pending' || end >= file.size) return image;
      [from, failures, asks] = [end, 0, false];
    } catch (e) {
      failures += 1;
      if (cancel.aborted || !isPassing(e) || failures >= tries) throw e;
      await link.pause(Math.min(2000 * failures, 10_000));
      if (cancel.aborted) throw e;
      asks = true;
    }
  }
}
