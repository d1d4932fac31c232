import { answer, api } from '../api/client';
import type { CreateFlavor, Flavor } from '../api/types';
import type { Format } from '../i18n/format';
import type { Text } from '../i18n/text';

export const flavors = {
  key: 'flavors',
  list: (query: { limit: number; cursor?: string }) => answer(api.GET('/api/v1/flavors', { params: { query } })),
  create: (body: CreateFlavor) => answer(api.POST('/api/v1/flavors', { body })),
  remove: (id: string) => answer(api.DELETE('/api/v1/flavors/{flavor}', { params: { path: { flavor: id } } })),
};

/** A size in words: "2 vCPU · 4 GiB memory · 20 GiB disk". */
export function sizeText(t: Text, format: Format, size: Pick<Flavor, 'vcpus' | 'memoryMib' | 'diskGib'>): string {
  return t('flavor.size', { vcpus: size.vcpus, memory: format.mib(size.memoryMib), disk: format.gib(size.diskGib) });
}
