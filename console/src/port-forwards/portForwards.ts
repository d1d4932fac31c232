import { answer, api } from '../api/client';
import type { CreatePortForward } from '../api/types';

export const portForwards = {
  key: 'port-forwards',
  list: (query: { limit: number; cursor?: string }) => answer(api.GET('/api/v1/port-forwards', { params: { query } })),
  create: (body: CreatePortForward) => answer(api.POST('/api/v1/port-forwards', { body })),
  remove: (id: string) => answer(api.DELETE('/api/v1/port-forwards/{portForward}', { params: { path: { portForward: id } } })),
};
