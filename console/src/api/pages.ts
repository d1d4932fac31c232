import { keepPreviousData, useQuery, type QueryKey } from '@tanstack/react-query';
import { useState } from 'react';
import { useMay } from '../session/permissions';
import { mayRead } from './readable';
import type { Page } from './types';

/** How often lists are read again although no event said so: a lost event costs this long, never more. */
export const resyncMs = 15_000;

/** How often a page's own resource is read again while something asked of it is on its way: that it has arrived need not be an event. */
export const watchMs = 2_000;

/** The cursors of the pages seen so far; the first page has none. */
export type Trail = readonly (string | null)[];

export const startOfTrail: Trail = [null];

/** The trail once page `index` (from 0) was seen to be followed by `next`. What was known beyond is forgotten if it differs. */
export function extendTrail(trail: Trail, index: number, next: string | null): Trail {
  if (next === null) return trail.length === index + 1 ? trail : trail.slice(0, index + 1);
  return trail[index + 1] === next ? trail : [...trail.slice(0, index + 1), next];
}

export interface Pages<T> {
  readonly items: readonly T[];
  readonly loading: boolean;
  readonly refreshing: boolean;
  readonly error: Error | null;
  /** Number of the page shown, from 1. */
  readonly number: number;
  readonly known: number;
  readonly more: boolean;
  goTo(number: number): void;
  refresh(): void;
}

/**
 * A list read page by page by cursor. Filters and the page size belong in the key: changing them starts at the first page. While something of it is on its way, it is read
 * more often.
 */
export function usePages<T>(key: QueryKey, limit: number, read: (page: { limit: number; cursor?: string }) => Promise<Page<T>>, isMoving: (item: T) => boolean = () => false): Pages<T> {
  const name = JSON.stringify([key, limit]);
  const [at, setAt] = useState<{ name: string; trail: Trail; index: number }>({ name, trail: startOfTrail, index: 0 });
  const here = at.name === name ? at : { name, trail: startOfTrail, index: 0 };
  const cursor = here.trail[here.index] ?? null;
  const query = useQuery({
    queryKey: [...key, { limit, cursor }],
    queryFn: () => read(cursor === null ? { limit } : { limit, cursor }),
    placeholderData: keepPreviousData,
    refetchInterval: ({ state }) => (state.data?.items.some(isMoving) === true ? watchMs : resyncMs),
  });
  const fresh = query.data !== undefined && !query.isPlaceholderData;
  const trail = fresh ? extendTrail(here.trail, here.index, query.data.next) : here.trail;
  return {
    items: query.data?.items ?? [],
    loading: query.isPending,
    refreshing: query.isFetching,
    error: query.error,
    number: here.index + 1,
    known: trail.length,
    more: fresh && query.data.next !== null,
    goTo: (number) => setAt({ name, trail, index: Math.min(Math.max(number, 1), trail.length) - 1 }),
    refresh: () => void query.refetch(),
  };
}

/** Everything of a list, for choosing from; nothing of one that may not be seen, so that a form is not refused for what it would offer besides. Stops at 10 pages of 1,000: a longer choice is not one to offer in a form. */
export function useAll<T>(key: QueryKey, read: (page: { limit: number; cursor?: string }) => Promise<Page<T>>, isMoving: (item: T) => boolean = () => false) {
  const allowed = mayRead(String(key[0]), useMay());
  return useQuery({
    queryKey: [...key, 'all', allowed],
    queryFn: async () => {
      const items: T[] = [];
      if (!allowed) return items;
      let cursor: string | null = null;
      for (let page = 0; page < 10; page++) {
        const got: Page<T> = await read(cursor === null ? { limit: 1000 } : { limit: 1000, cursor });
        items.push(...got.items);
        cursor = got.next;
        if (cursor === null) break;
      }
      return items;
    },
    refetchInterval: ({ state }) => (state.data?.some(isMoving) === true ? watchMs : resyncMs),
  });
}
