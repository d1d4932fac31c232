import { answer, api } from '../api/client';
import type { CreateZone } from '../api/types';

export const zones = {
  key: 'zones',
  list: (query: { limit: number; cursor?: string }) => answer(api.GET('/api/v1/zones', { params: { query } })),
  create: (body: CreateZone) => answer(api.POST('/api/v1/zones', { body })),
  remove: (id: string) => answer(api.DELETE('/api/v1/zones/{zone}', { params: { path: { zone: id } } })),
};
