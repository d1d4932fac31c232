import { answer, api } from '../api/client';
import type { CreateImage, Image, UpdateImage } from '../api/types';
import type { Text } from '../i18n/text';
import { name, violations, wholeNumber, type Broken, type Violation } from '../ui/rules';

const at = (id: string) => ({ params: { path: { image: id } } });

/** Where an image is fetched beforehand: on one host, the hosts of a zone, or all. */
export type Where = { readonly host: string } | { readonly zone: string } | Record<string, never>;

export const images = {
  key: 'images',
  list: (query: { limit: number; cursor?: string; state?: string; visibility?: string; name?: string; deprecated?: string }) => answer(api.GET('/api/v1/images', { params: { query } })),
  get: (id: string) => answer(api.GET('/api/v1/images/{image}', at(id))),
  create: (body: CreateImage, idempotencyKey?: string) => answer(api.POST('/api/v1/images', { body, ...(idempotencyKey === undefined ? {} : { headers: { 'Idempotency-Key': idempotencyKey } }) })),
  update: (id: string, body: UpdateImage) => answer(api.PUT('/api/v1/images/{image}', { ...at(id), body })),
  remove: (id: string) => answer(api.DELETE('/api/v1/images/{image}', at(id))),
  prefetch: (id: string, where: Where) => answer(api.POST('/api/v1/images/{image}/prefetch', { ...at(id), body: where })),
  release: (id: string, where: Where) => answer(api.DELETE('/api/v1/images/{image}/prefetch', { params: { path: { image: id }, query: where } })),
};

export const descriptionMax = 1000;
const [osMax, diskMax, memoryMax] = [100, 65_536, 16_777_216];

/** True while its bytes are to come, or hosts are to fetch it. */
export function isMoving(i: Pick<Image, 'state' | 'hosts'>): boolean {
  return i.state === 'pending' || (i.hosts ?? []).some((on) => on.prefetched && on.state !== 'cached');
}

export function checkText(text: string, max: number): Broken {
  return text.length > max ? { key: 'rule.tooLong', values: { max } } : null;
}

export interface ImageValues {
  readonly name: string;
  readonly description: string;
  readonly os: string;
  readonly minDiskGib: string;
  readonly minMemoryMib: string;
  readonly defaultUser: string;
  readonly visibility: string;
  readonly deprecated: boolean;
  /** Names or ids of accounts, one a line. */
  readonly accounts: string;
  readonly firmware: string;
  readonly deviceModel: string;
}

export function imageValues(i: Image): ImageValues {
  return {
    name: i.name, description: i.description, os: i.os, minDiskGib: String(i.minDiskGib), minMemoryMib: String(i.minMemoryMib), defaultUser: i.defaultUser, visibility: i.visibility, deprecated: i.deprecatedAt !== null,
    accounts: (i.accounts ?? []).map((a) => a.name).join('\n'), firmware: i.firmware, deviceModel: i.deviceModel,
  };
}

export function checkImage(v: ImageValues): Violation[] {
  return violations(
    ['name', name(v.name)], ['description', checkText(v.description, descriptionMax)], ['os', checkText(v.os, osMax)], ['minDiskGib', wholeNumber(v.minDiskGib, 0, diskMax)], ['minMemoryMib', wholeNumber(v.minMemoryMib, 0, memoryMax)],
    ['defaultUser', /^[A-Za-z0-9_-]{1,32}$/.test(v.defaultUser) ? null : { key: 'image.userName' }]);
}

/** Only what was changed is sent. */
export function imageUpdate(v: ImageValues, first: ImageValues): UpdateImage {
  const changed = <K extends keyof ImageValues>(field: K): ImageValues[K] | null => (v[field] === first[field] ? null : v[field]);
  const whole = (text: string | null) => (text === null ? null : Number(text));
  return {
    name: changed('name'), description: changed('description'), os: changed('os'), minDiskGib: whole(changed('minDiskGib')), minMemoryMib: whole(changed('minMemoryMib')), defaultUser: changed('defaultUser'),
    visibility: changed('visibility'), deprecated: changed('deprecated'), accounts: v.accounts === first.accounts ? null : accountsIn(v.accounts), architecture: null, firmware: changed('firmware'), deviceModel: changed('deviceModel'),
  };
}

/** Names may have spaces in them: each has a line of its own. */
export function accountsIn(text: string): string[] {
  return text.split('\n').map((line) => line.trim()).filter((line) => line !== '');
}

/** What is below an image's name when it is a file. */
export function fileName({ name: called, format }: Pick<Image, 'name' | 'format'>): string {
  return called.toLowerCase().endsWith(`.${format}`) ? called : `${called}.${format}`;
}

/** What starts a machine, and what it sees of disk and network. */
export function machineText(t: Text, { firmware, deviceModel }: Pick<Image, 'firmware' | 'deviceModel'>): string {
  return `${t.word('image.firmware', firmware)} · ${t.word('image.deviceModel', deviceModel)}`;
}
