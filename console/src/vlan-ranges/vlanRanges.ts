import { answer, api } from '../api/client';
import type { CreateVlanRange } from '../api/types';

export const vlanRanges = {
  key: 'vlan-ranges',
  list: (query: { limit: number; cursor?: string }) => answer(api.GET('/api/v1/vlan-ranges', { params: { query } })),
  create: (body: CreateVlanRange) => answer(api.POST('/api/v1/vlan-ranges', { body })),
  remove: (range: string) => answer(api.DELETE('/api/v1/vlan-ranges/{range}', { params: { path: { range } } })),
};
