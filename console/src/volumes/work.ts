import type { VolumeWork } from '../api/types';

/** How much of work is done, of 100; null while it is not known how much there is to do. */
export function percentOf(work: Pick<VolumeWork, 'doneBytes' | 'totalBytes'>): number | null {
  return work.totalBytes > 0 ? Math.floor((100 * work.doneBytes) / work.totalBytes) : null;
}

/** When work ends if it goes on as it went, in milliseconds; null while nothing can be said. */
export function endOf(work: Pick<VolumeWork, 'doneBytes' | 'totalBytes' | 'since'>, now: number): number | null {
  const took = now - Date.parse(work.since);
  return took > 0 && work.doneBytes > 0 && work.totalBytes >= work.doneBytes ? now + (took * (work.totalBytes - work.doneBytes)) / work.doneBytes : null;
}
