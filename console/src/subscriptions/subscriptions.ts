import { answer, api } from '../api/client';
import type { CreateSubscription } from '../api/types';
import { listed, name, required, violations, wholeNumber, type Violation } from '../ui/rules';

const at = (id: string) => ({ params: { path: { subscription: id } } });

export const subscriptions = {
  key: 'subscriptions',
  list: (query: { limit: number; cursor?: string }) => answer(api.GET('/api/v1/subscriptions', { params: { query } })),
  create: (body: CreateSubscription) => answer(api.POST('/api/v1/subscriptions', { body })),
  disable: (id: string) => answer(api.PUT('/api/v1/subscriptions/{subscription}', { ...at(id), body: { enabled: false } })),
  remove: (id: string) => answer(api.DELETE('/api/v1/subscriptions/{subscription}', at(id))),
  test: (id: string) => answer(api.POST('/api/v1/subscriptions/{subscription}/test', at(id))),
  resume: (id: string, from: string) => answer(api.POST('/api/v1/subscriptions/{subscription}/resume', { ...at(id), body: { from } })),
  rotate: (id: string, keepFormerHours: number) => answer(api.POST('/api/v1/subscriptions/{subscription}/rotate-secret', { ...at(id), body: { keepFormerHours } })),
};

export const kinds = ['webhook', 'amqp'] as const;
export type Kind = (typeof kinds)[number];

export interface SubscriptionValues {
  readonly name: string;
  readonly kind: Kind;
  readonly url: string;
  readonly exchange: string;
  readonly password: string;
  readonly content: string;
  /** Patterns, one a line. */
  readonly actions: string;
  readonly scope: string;
}

export const noSubscription: SubscriptionValues = { name: '', kind: 'webhook', url: '', exchange: '', password: '', content: 'events', actions: '', scope: 'account' };

export function checkSubscription(v: SubscriptionValues): Violation[] {
  return violations(['name', name(v.name)], ['url', required(v.url)]);
}

export function subscriptionOf(v: SubscriptionValues): CreateSubscription {
  const broker = v.kind === 'amqp';
  const actions = listed(v.actions);
  return {
    name: v.name, kind: v.kind, url: v.url.trim(), content: v.content, actions: actions.length === 0 ? null : actions, scope: v.scope, exchange: broker && v.exchange !== '' ? v.exchange : null, password: broker && v.password !== '' ? v.password : null,
  };
}

// The server's rule: after a week nobody changes it any more.
const hoursMax = 168;

export function checkHours(hours: string): Violation[] {
  return violations(['hours', wholeNumber(hours, 0, hoursMax)]);
}
