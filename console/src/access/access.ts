import { answer, api } from '../api/client';
import type { ChangePassword, CreateToken } from '../api/types';

export const tokens = {
  key: 'tokens',
  list: (query: { limit: number; cursor?: string }) => answer(api.GET('/api/v1/tokens', { params: { query } })),
  create: (body: CreateToken) => answer(api.POST('/api/v1/users/me/tokens', { body })),
  revoke: (id: string) => answer(api.DELETE('/api/v1/tokens/{token}', { params: { path: { token: id } } })),
};

export function changePassword(body: ChangePassword) {
  return answer(api.PUT('/api/v1/users/me/password', { body }));
}
