import { answer, api } from '../api/client';
import type { Account, CreateAccount, UpdateAccount } from '../api/types';
import { violations, type Violation } from '../ui/rules';

const at = (id: string) => ({ params: { path: { account: id } } });

export const accounts = {
  key: 'accounts',
  list: (query: { limit: number; cursor?: string }) => answer(api.GET('/api/v1/accounts', { params: { query } })),
  get: (id: string) => answer(api.GET('/api/v1/accounts/{account}', at(id))),
  create: (body: CreateAccount) => answer(api.POST('/api/v1/accounts', { body })),
  update: (id: string, body: UpdateAccount) => answer(api.PUT('/api/v1/accounts/{account}', { ...at(id), body })),
  remove: (id: string) => answer(api.DELETE('/api/v1/accounts/{account}', at(id))),
};

/** What shows something of accounts. */
export const staleWithAccounts = ['accounts', 'domains', 'self'] as const;

/** What is done to an account's state, and the state that it has then. */
export const turns = { suspend: 'suspended', close: 'closed', activate: 'active' } as const;
export type Turn = keyof typeof turns;

/** True if it makes a difference. The account that runs the cloud is never held. */
export function canTurn({ kind, state }: Pick<Account, 'kind' | 'state'>, turn: Turn): boolean {
  return kind !== 'operator' && state !== turns[turn];
}

// The server's rule.
const reasonMax = 256;

export function checkReason(reason: string): Violation[] {
  return violations(['reason', reason.length > reasonMax ? { key: 'rule.tooLong', values: { max: reasonMax } } : null]);
}
