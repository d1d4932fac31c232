import { answer, api } from '../api/client';
import type { CreateUser, UpdateUser } from '../api/types';
import type { Broken } from '../ui/rules';

const at = (id: string) => ({ params: { path: { user: id } } });

export const users = {
  key: 'users',
  list: (query: { limit: number; cursor?: string }) => answer(api.GET('/api/v1/users', { params: { query } })),
  create: (body: CreateUser) => answer(api.POST('/api/v1/users', { body })),
  update: (id: string, body: UpdateUser) => answer(api.PUT('/api/v1/users/{user}', { ...at(id), body })),
  remove: (id: string) => answer(api.DELETE('/api/v1/users/{user}', at(id))),
};

const passwordMin = 8;
const passwordMax = 256;

/** What the server asks of a new password. */
export function newPassword(text: string): Broken {
  if (text.length < passwordMin) return { key: 'rule.tooShort', values: { min: passwordMin } };
  return text.length > passwordMax ? { key: 'rule.tooLong', values: { max: passwordMax } } : null;
}
