import { answer, api } from '../api/client';
import type { CreateUser } from '../api/types';
import type { Broken } from '../ui/rules';

export const users = {
  key: 'users',
  list: (query: { limit: number; cursor?: string }) => answer(api.GET('/api/v1/users', { params: { query } })),
  create: (body: CreateUser) => answer(api.POST('/api/v1/users', { body })),
  remove: (id: string) => answer(api.DELETE('/api/v1/users/{user}', { params: { path: { user: id } } })),
};

const passwordMin = 8;
const passwordMax = 256;

/** What the server asks of a new password. */
export function newPassword(text: string): Broken {
  if (text.length < passwordMin) return { key: 'rule.tooShort'  , values: { min: passwordMin } };
  return text.length > passwordMax ? { key: 'rule.tooLong'  , values: { max: passwordMax } } : null;
}
