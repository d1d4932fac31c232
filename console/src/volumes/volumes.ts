import { answer, api } from '../api/client';
import type { AttachVolume, CreateVolume, Image, Instance, MoveVolume, Pool, UpdateVolume, Volume } from '../api/types';
import { name, optional, violations, wholeNumber, type Broken, type Violation } from '../ui/rules';
import { checkTags, tagChanges, tagQuery, tagRows, tagsOf, type Tag } from '../ui/tags';

const at = (id: string) => ({ params: { path: { volume: id } } });

export const volumes = {
  key: 'volumes',
  list: ({ tag, ...query }: { limit: number; cursor?: string; state?: string; instance?: string; pool?: string; tag?: readonly string[] }) => answer(api.GET('/api/v1/volumes', { params: { query: { ...query, ...tagQuery(tag) } } })),
  get: (id: string) => answer(api.GET('/api/v1/volumes/{volume}', at(id))),
  create: (body: CreateVolume) => answer(api.POST('/api/v1/volumes', { body })),
  update: (id: string, body: UpdateVolume) => answer(api.PUT('/api/v1/volumes/{volume}', { ...at(id), body })),
  remove: (id: string) => answer(api.DELETE('/api/v1/volumes/{volume}', at(id))),
  attach: (id: string, body: AttachVolume) => answer(api.POST('/api/v1/volumes/{volume}/attach', { ...at(id), body })),
  move: (id: string, body: MoveVolume) => answer(api.POST('/api/v1/volumes/{volume}/move', { ...at(id), body })),
  cancelMove: (id: string) => answer(api.POST('/api/v1/volumes/{volume}/cancel-move', at(id))),
  detach: (id: string) => answer(api.POST('/api/v1/volumes/{volume}/detach', at(id))),
};

/** What else shows something of a volume: room in pools, and on hosts. */
export const staleWithVolumes = ['volumes', 'pools', 'hosts'] as const;

export const sizeMaxGib = 65_536;
export const slotMax = 8;
export const snapshotsMax = 64;

/** Where Linux puts a disk with a serial number. */
export function devicePath({ serial }: Pick<Volume, 'serial'>): string {
  return `/dev/disk/by-id/virtio-${serial}`;
}

/** True if it was deleted: it goes, or is kept for its snapshots only. */
export function isLeaving(v: Pick<Volume, 'state'>): boolean {
  return v.state === 'deleting' || v.state === 'retained';
}

/** True while its host puts it back to a snapshot, or copies it to another place: then nobody has it. */
function isAway(v: Pick<Volume, 'state'>): boolean {
  return v.state === 'restoring' || v.state === 'moving';
}

/** One that is being filled from a snapshot, another volume or a backup, or put back to one, is to be waited for. */
export function canAttach(v: Pick<Volume, 'state' | 'instance' | 'snapshot' | 'backup' | 'source'>): boolean {
  return v.instance === null && !isLeaving(v) && !isAway(v) && !(v.state === 'creating' && (v.snapshot !== null || Boolean(v.backup) || Boolean(v.source)));
}

/** An instance is launched from what could be attached to it. */
export const canLaunchFrom = canAttach;

/** True if what a machine is for it is not told by the image that the volume began as: then one is to be named. */
export function needsImage(v: Pick<Volume, 'image'>): boolean {
  return v.image === null;
}

export function canDetach(v: Pick<Volume, 'state' | 'instance'>): boolean {
  return v.instance !== null && v.state !== 'detaching' && v.state !== 'moving';
}

/** What is attached is not deleted. */
export function canDelete(v: Pick<Volume, 'state' | 'instance'>): boolean {
  return v.instance === null && !isLeaving(v) && v.state !== 'moving';
}

/** One that is there, and is not being put back. A copy begins with a snapshot of now, and an image is made of one. */
export function canTakeSnapshot(v: Pick<Volume, 'state' | 'host' | 'snapshots'>): boolean {
  return v.host !== null && !isLeaving(v) && v.state !== 'creating' && !isAway(v) && v.snapshots < snapshotsMax;
}

/** One without snapshots that is there, or has no place yet. Whether its instance is stopped, the cloud says. */
export function canMove(v: Pick<Volume, 'state' | 'snapshots'>): boolean {
  return !isLeaving(v) && !isAway(v) && v.state !== 'creating' && v.state !== 'detaching' && v.snapshots === 0;
}

export interface MoveValues {
  /** Empty: none is chosen yet. */
  readonly pool: string;
  /** Empty: one that has room. */
  readonly host: string;
}

/** Within a pool only another host is another place. */
export function checkMove(v: MoveValues, now: Pick<Volume, 'pool' | 'host'>): Violation[] {
  const same = v.pool === now.pool.id && (v.host === '' || v.host === now.host?.id);
  return violations(['pool', v.pool === '' ? { key: 'rule.choose' } : same ? { key: 'volume.moveSame' } : null]);
}

export function moveRequest(v: MoveValues): MoveVolume {
  return { pool: v.pool, host: v.host === '' ? null : v.host };
}

/** True if a volume is on another host than the instance: it is given over the network then. Whether hosts share it is the pool's to say. */
export function isElsewhere(volume: Pick<Volume, 'host' | 'pool'>, instance: Pick<Instance, 'host'>, pools: readonly Pick<Pool, 'id' | 'shared'>[] | undefined): boolean {
  const shared = pools?.find((p) => p.id === volume.pool.id)?.shared;
  return volume.host !== null && shared === false && volume.host.id !== instance.host.id;
}

export interface VolumeValues {
  readonly name: string;
  /** Empty: as large as the image. */
  readonly sizeGib: string;
  /** Empty: the default pool. */
  readonly pool: string;
  /** Empty: none. */
  readonly type: string;
  /** Empty: none. */
  readonly image: string;
  readonly deleteOnTermination: boolean;
  readonly tags: readonly Tag[];
}

export const blankVolume: VolumeValues = { name: '', sizeGib: '', pool: '', type: '', image: '', deleteOnTermination: false, tags: [] };

/** The least size for a volume that begins as an image; null if it is not known. */
export function leastSize(image: Pick<Image, 'virtualSizeBytes'> | undefined): number | null {
  return image === undefined || image.virtualSizeBytes === null ? null : Math.ceil(image.virtualSizeBytes / 2 ** 30);
}

export function checkVolume(v: VolumeValues, image: Pick<Image, 'virtualSizeBytes'> | undefined, hasDefaultPool: boolean): Violation[] {
  const least = leastSize(image) ?? 1;
  const size = (text: string): Broken => wholeNumber(text, 1, sizeMaxGib) ?? (Number(text) < least ? { key: 'volume.sizeOfImage', values: { least } } : null);
  return [...violations(
    ['name', name(v.name)], ['sizeGib', v.image === '' ? size(v.sizeGib) : optional(v.sizeGib, size)], ['pool', v.pool === '' && !hasDefaultPool ? { key: 'rule.choose' } : null]), ...checkTags(v.tags)];
}

export function volumeRequest(v: VolumeValues): CreateVolume {
  const given = (text: string) => (text === '' ? null : text);
  return { name: v.name, sizeGib: v.sizeGib === '' ? null : Number(v.sizeGib), pool: given(v.pool), type: given(v.type), image: given(v.image), deleteOnTermination: v.deleteOnTermination, snapshot: null, tags: tagsOf(v.tags) };
}

export interface EditValues {
  readonly name: string;
  readonly type: string;
  readonly deleteOnTermination: boolean;
  readonly tags: readonly Tag[];
}

export function editValues(v: Pick<Volume, 'name' | 'type' | 'deleteOnTermination' | 'tags'>): EditValues {
  return { name: v.name, type: v.type?.id ?? '', deleteOnTermination: v.deleteOnTermination, tags: tagRows(v.tags) };
}

export function checkEdit(v: EditValues): Violation[] {
  return [...violations(['name', name(v.name)]), ...checkTags(v.tags)];
}

/** Only what was changed is sent. */
export function volumeUpdate(v: EditValues, first: EditValues): UpdateVolume {
  return {
    name: v.name === first.name ? null : v.name, sizeGib: null, type: v.type === first.type ? null : v.type === '' ? 'none' : v.type,
    deleteOnTermination: v.deleteOnTermination === first.deleteOnTermination ? null : v.deleteOnTermination, tags: tagChanges(v.tags, first.tags),
  };
}

/** A volume only grows. */
export function checkSize(text: string, now: number): Broken {
  return wholeNumber(text, now + 1, sizeMaxGib);
}

export interface CopyValues {
  readonly name: string;
  /** Empty: as large as what is copied. */
  readonly sizeGib: string;
  readonly type: string;
  readonly deleteOnTermination: boolean;
  readonly tags: readonly Tag[];
}

/** What begins with something that has a size is not smaller. */
export function checkCopy(v: CopyValues, size: Broken): Violation[] {
  return [...violations(['name', name(v.name)], ['sizeGib', size]), ...checkTags(v.tags)];
}

/** The size of a copy of a volume. */
export function checkCopiedSize(text: string, least: number): Broken {
  return optional(text, (given) => wholeNumber(given, least, sizeMaxGib));
}

export function copyRequest(v: CopyValues, of: { readonly snapshot: string } | { readonly volume: string }): CreateVolume {
  return { ...volumeRequest({ ...v, pool: '', image: '' }), ...of };
}
