import { answer, api } from '../api/client';
import type { CreateAccount } from '../api/types';

export const accounts = {
  key: 'accounts',
  list: (query: { limit: number; cursor?: string }) => answer(api.GET('/api/v1/accounts', { params: { query } })),
  create: (body: CreateAccount) => answer(api.POST('/api/v1/accounts', { body })),
  remove: (id: string) => answer(api.DELETE('/api/v1/accounts/{account}', { params: { path: { account: id } } })),
};
