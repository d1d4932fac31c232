import { answer, api } from '../api/client';
import type { ChangeRouter, CreateRouter } from '../api/types';

const at = (id: string) => ({ params: { path: { router: id } } });

export const routers = {
  key: 'routers',
  list: (query: { limit: number; cursor?: string }) => answer(api.GET('/api/v1/routers', { params: { query } })),
  create: (body: CreateRouter) => answer(api.POST('/api/v1/routers', { body })),
  change: (id: string, body: ChangeRouter) => answer(api.PUT('/api/v1/routers/{router}', { ...at(id), body })),
  remove: (id: string) => answer(api.DELETE('/api/v1/routers/{router}', at(id))),
};
