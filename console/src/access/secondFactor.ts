import { answer, api } from '../api/client';
import { violations, type Violation } from '../ui/rules';

export const secondFactor = {
  key: 'second-factor',
  get: () => answer(api.GET('/api/v1/users/me/second-factor', {})),
  begin: (password: string) => answer(api.POST('/api/v1/users/me/second-factor', { body: { password } })),
  confirm: (code: string) => answer(api.POST('/api/v1/users/me/second-factor/confirm', { body: { code } })),
  end: (password: string, code: string) => answer(api.POST('/api/v1/users/me/second-factor/end', { body: { password, code } })),
};

/** From so few recovery codes on it is worth a word. */
export const fewCodes = 3;

export function checkCode(code: string): Violation[] {
  return violations(['code', code.trim() === '' ? { key: 'rule.required' } : null]);
}

/** A secret as people type it: in groups of four. */
export function grouped(secret: string): string {
  return secret.replace(/(.{4})(?=.)/g, '$1 ');
}
