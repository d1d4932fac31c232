import { answer, api } from '../api/client';
import type { CreateSnapshot, Snapshot, UpdateSnapshot } from '../api/types';
import { name, optional, violations, wholeNumber, type Broken, type Violation } from '../ui/rules';
import { checkTags, tagChanges, tagQuery, tagRows, tagsOf, type Tag } from '../ui/tags';
import { sizeMaxGib } from '../volumes/volumes';

const at = (id: string) => ({ params: { path: { snapshot: id } } });
const ofVolume = (id: string) => ({ params: { path: { volume: id } } });

export const snapshots = {
  key: 'snapshots',
  list: ({ tag, ...query }: { limit: number; cursor?: string; state?: string; volume?: string; instance?: string; name?: string; tag?: readonly string[] }) => answer(api.GET('/api/v1/snapshots', { params: { query: { ...query, ...tagQuery(tag) } } })),
  get: (id: string) => answer(api.GET('/api/v1/snapshots/{snapshot}', at(id))),
  update: (id: string, body: UpdateSnapshot) => answer(api.PUT('/api/v1/snapshots/{snapshot}', { ...at(id), body })),
  remove: (id: string) => answer(api.DELETE('/api/v1/snapshots/{snapshot}', at(id))),
  take: (volume: string, body: CreateSnapshot) => answer(api.POST('/api/v1/volumes/{volume}/snapshots', { ...ofVolume(volume), body })),
  takeAll: (instance: string, body: CreateSnapshot) => answer(api.POST('/api/v1/instances/{instance}/snapshots', { params: { path: { instance } }, body })),
  restore: (volume: string, snapshot: string) => answer(api.POST('/api/v1/volumes/{volume}/restore', { ...ofVolume(volume), body: { snapshot } })),
};

/** What else shows something of a snapshot: how many a volume has. */
export const staleWithSnapshots = ['snapshots', 'volumes'] as const;

export const states = ['creating', 'available', 'deleting'] as const;
export const descriptionMax = 1000;

/** Only one that is taken, and not on its way out, can be used. */
export function isUsable(s: Pick<Snapshot, 'state'>): boolean {
  return s.state === 'available';
}

export function canDelete(s: Pick<Snapshot, 'state'>): boolean {
  return s.state !== 'deleting';
}

export interface SnapshotValues {
  readonly name: string;
  readonly description: string;
  readonly tags: readonly Tag[];
}

export const blankSnapshot: SnapshotValues = { name: '', description: '', tags: [] };

export function snapshotValues(s: Pick<Snapshot, 'name' | 'description' | 'tags'>): SnapshotValues {
  return { name: s.name, description: s.description, tags: tagRows(s.tags) };
}

export function checkSnapshot(v: SnapshotValues): Violation[] {
  return [...violations(['name', name(v.name)], ['description', v.description.length > descriptionMax ? { key: 'snapshot.tooLong', values: { max: descriptionMax } } : null]), ...checkTags(v.tags)];
}

export function snapshotRequest(v: SnapshotValues): CreateSnapshot {
  return { name: v.name, description: v.description === '' ? null : v.description, tags: tagsOf(v.tags) };
}

/** Only what was changed is sent. */
export function snapshotUpdate(v: SnapshotValues, first: SnapshotValues): UpdateSnapshot {
  return { name: v.name === first.name ? null : v.name, description: v.description === first.description ? null : v.description, tags: tagChanges(v.tags, first.tags) };
}

/** The size of a volume that begins with a snapshot: not smaller than that, and left out as large. */
export function checkCopySize(text: string, least: number): Broken {
  return optional(text, (given) => wholeNumber(given, 1, sizeMaxGib) ?? (Number(given) < least ? { key: 'snapshot.sizeLeast', values: { least } } : null));
}
