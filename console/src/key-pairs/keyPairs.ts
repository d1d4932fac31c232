import { answer, api } from '../api/client';
import type { CreateKeyPair } from '../api/types';

export const keyPairs = {
  key: 'key-pairs',
  list: (query: { limit: number; cursor?: string }) => answer(api.GET('/api/v1/key-pairs', { params: { query } })),
  create: (body: CreateKeyPair) => answer(api.POST('/api/v1/key-pairs', { body })),
  remove: (id: string) => answer(api.DELETE('/api/v1/key-pairs/{keyPair}', { params: { path: { keyPair: id } } })),
};
