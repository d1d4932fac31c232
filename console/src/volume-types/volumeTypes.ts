import { answer, api } from '../api/client';
import type { CreateVolumeType, VolumeType } from '../api/types';
import type { Format } from '../i18n/format';
import type { Text } from '../i18n/text';
import { name, optional, violations, wholeNumber, type Broken, type Violation } from '../ui/rules';

export const volumeTypes = {
  key: 'volume-types',
  list: (query: { limit: number; cursor?: string }) => answer(api.GET('/api/v1/volume-types', { params: { query } })),
  create: (body: CreateVolumeType) => answer(api.POST('/api/v1/volume-types', { body })),
  remove: (id: string) => answer(api.DELETE('/api/v1/volume-types/{type}', { params: { path: { type: id } } })),
};

const iopsMax = 10_000_000;
const mibMax = 1_000_000;

export interface VolumeTypeValues {
  readonly name: string;
  /** Empty: no limit. */
  readonly iops: string;
  readonly mibPerSecond: string;
  readonly encrypted: boolean;
}

/** `none` is what a volume without a type is said to have. */
function typeName(text: string): Broken {
  return text === 'none' ? { key: 'volumeType.notNone' } : name(text);
}

export function checkVolumeType(v: VolumeTypeValues): Violation[] {
  return violations(
    ['name', typeName(v.name)], ['iops', optional(v.iops, (text) => wholeNumber(text, 1, iopsMax))], ['mibPerSecond', optional(v.mibPerSecond, (text) => wholeNumber(text, 1, mibMax))]);
}

export function volumeTypeRequest(v: VolumeTypeValues): CreateVolumeType {
  const limit = (text: string) => (text === '' ? null : Number(text));
  return { name: v.name, iops: limit(v.iops), mibPerSecond: limit(v.mibPerSecond), encrypted: v.encrypted };
}

/** The limits of a type in words: "3,000 IOPS · 125 MiB/s". */
export function limitsText(t: Text, format: Format, { iops, mibPerSecond }: Pick<VolumeType, 'iops' | 'mibPerSecond'>): string {
  const limits = [iops === null ? [] : `${format.number(iops)} IOPS`, mibPerSecond === null ? [] : `${format.number(mibPerSecond)} MiB/s`].flat();
  return limits.length === 0 ? t('volumeType.noLimit') : limits.join(' · ');
}
