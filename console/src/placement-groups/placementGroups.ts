import { answer, api } from '../api/client';
import type { CreatePlacementGroup } from '../api/types';

/** What a group may ask for, in the words of the API. */
export const policies = ['anti-affinity', 'affinity', 'soft-anti-affinity', 'soft-affinity'] as const;

export const placementGroups = {
  key: 'placement-groups',
  list: (query: { limit: number; cursor?: string }) => answer(api.GET('/api/v1/placement-groups', { params: { query } })),
  create: (body: CreatePlacementGroup) => answer(api.POST('/api/v1/placement-groups', { body })),
  remove: (id: string) => answer(api.DELETE('/api/v1/placement-groups/{placementGroup}', { params: { path: { placementGroup: id } } })),
};
