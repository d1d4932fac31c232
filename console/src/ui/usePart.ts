import { useState } from 'react';
import type { Pages } from '../api/pages';

/** What is read at once. */
export interface Whole<T> {
  readonly data: readonly T[] | undefined;
  readonly isPending: boolean;
  readonly isFetching: boolean;
  readonly error: Error | null;
  refetch(): unknown;
}

/** A list that is known as a whole, filtered and shown page by page. Another filter starts at the first page. */
export function usePart<T>(all: Whole<T>, pageSize: number, filter: string, matches: (item: T) => boolean): Pages<T> {
  const name = `${filter} ${pageSize}`;
  const [at, setAt] = useState({ name, number: 1 });
  const found = (all.data ?? []).filter(matches);
  const known = Math.max(1, Math.ceil(found.length / pageSize));
  const number = Math.min(at.name === name ? at.number : 1, known);
  return {
    items: found.slice((number - 1) * pageSize, number * pageSize), loading: all.isPending, refreshing: all.isFetching, error: all.error, number, known, more: number < known,
    goTo: (next) => setAt({ name, number: next }), refresh: () => void all.refetch(),
  };
}
