import { answer, api } from '../api/client';
import type { CreateJoinToken, UpdateHost } from '../api/types';

const at = (id: string) => ({ params: { path: { host: id } } });

export const hosts = {
  key: 'hosts',
  list: (query: { limit: number; cursor?: string }) => answer(api.GET('/api/v1/hosts', { params: { query } })),
  get: (id: string) => answer(api.GET('/api/v1/hosts/{host}', at(id))),
  update: (id: string, body: UpdateHost) => answer(api.PUT('/api/v1/hosts/{host}', { ...at(id), body })),
  remove: (id: string) => answer(api.DELETE('/api/v1/hosts/{host}', at(id))),
  createJoinToken: (body: CreateJoinToken) => answer(api.POST('/api/v1/hosts/join-tokens', { body })),
};
