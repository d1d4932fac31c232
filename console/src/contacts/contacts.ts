import { severities, type Whose } from '../alerts/alerts';
import { answer, api } from '../api/client';
import type { Contact, CreateContact, UpdateContact } from '../api/types';
import { name, required, violations, wholeNumber, type Violation } from '../ui/rules';

const at = (id: string) => ({ params: { path: { contact: id } } });

type Page = { limit: number; cursor?: string };

export const contacts = {
  account: {
    key: 'contacts',
    list: (query: Page) => answer(api.GET('/api/v1/contacts', { params: { query } })),
    create: (body: CreateContact) => answer(api.POST('/api/v1/contacts', { body })),
    update: (id: string, body: UpdateContact) => answer(api.PUT('/api/v1/contacts/{contact}', { ...at(id), body })),
    remove: (id: string) => answer(api.DELETE('/api/v1/contacts/{contact}', at(id))),
    verify: (id: string, code: string) => answer(api.POST('/api/v1/contacts/{contact}/verify', { ...at(id), body: { code } })),
    sendCode: (id: string) => answer(api.POST('/api/v1/contacts/{contact}/send-code', at(id))),
    rotate: (id: string, keepFormerHours: number) => answer(api.POST('/api/v1/contacts/{contact}/rotate-secret', { ...at(id), body: { keepFormerHours } })),
  },
  cloud: {
    key: 'cloud-contacts',
    list: (query: Page) => answer(api.GET('/api/v1/cloud-contacts', { params: { query } })),
    create: (body: CreateContact) => answer(api.POST('/api/v1/cloud-contacts', { body })),
    update: (id: string, body: UpdateContact) => answer(api.PUT('/api/v1/cloud-contacts/{contact}', { ...at(id), body })),
    remove: (id: string) => answer(api.DELETE('/api/v1/cloud-contacts/{contact}', at(id))),
    verify: (id: string, code: string) => answer(api.POST('/api/v1/cloud-contacts/{contact}/verify', { ...at(id), body: { code } })),
    sendCode: (id: string) => answer(api.POST('/api/v1/cloud-contacts/{contact}/send-code', at(id))),
    rotate: (id: string, keepFormerHours: number) => answer(api.POST('/api/v1/cloud-contacts/{contact}/rotate-secret', { ...at(id), body: { keepFormerHours } })),
  },
} as const;

/** What shows something of contacts. */
export const staleWithContacts = ['contacts', 'cloud-contacts'] as const;

/** What there are alerts of: of what accounts have, and of what the cloud has besides. */
const accountKinds = ['instance.unreachable', 'instance.failing', 'volume.failing', 'backup.failed', 'backup.damaged', 'backup-schedule.failing', 'backup-schedule.late', 'subscription.failing', 'image.failed', 'quota.near'] as const;
const cloudKinds = ['host.unreachable', 'host.down', 'host.failing', 'host.power-failing', 'pool.filling', 'backup-store.filling', 'server.silent', 'switch.failing', 'usage.late', 'quota.near'] as const;

export const kindsOf: Readonly<Record<Whose, readonly string[]>> = { account: accountKinds, cloud: cloudKinds };

export const contactWays = ['email', 'webhook'] as const;

export interface ContactValues {
  readonly name: string;
  readonly kind: string;
  readonly address: string;
  readonly minimumSeverity: string;
  /** None: all. */
  readonly kinds: readonly string[];
  readonly language: string;
  readonly intervalMinutes: string;
}

export function noContact(language: string): ContactValues {
  return { name: '', kind: contactWays[0], address: '', minimumSeverity: severities[1], kinds: [], language, intervalMinutes: '5' };
}

export function contactValues(c: Contact): ContactValues {
  return { name: c.name, kind: c.kind, address: c.address, minimumSeverity: c.minimumSeverity, kinds: c.kinds, language: c.language, intervalMinutes: String(c.intervalMinutes) };
}

// The server's rule.
const minutesMax = 24 * 60;

export function checkContact(v: ContactValues): Violation[] {
  const address = v.kind === 'webhook' ? required(v.address) : /^[^\s@]+@[^\s@]+$/.test(v.address.trim()) ? null : { key: 'contact.addressWrong' as const };
  return violations(['name', name(v.name)], ['address', address], ['intervalMinutes', wholeNumber(v.intervalMinutes, 1, minutesMax)]);
}

export function contactOf(v: ContactValues): CreateContact {
  return { name: v.name, address: v.address.trim(), kind: v.kind, minimumSeverity: v.minimumSeverity, kinds: [...v.kinds], language: v.language, intervalMinutes: Number(v.intervalMinutes) };
}

/** Only what was changed is sent: somebody else may change the rest. */
export function contactUpdate(v: ContactValues, first: ContactValues): UpdateContact {
  const changed = <K extends 'name' | 'minimumSeverity' | 'language'>(field: K) => (v[field] === first[field] ? null : v[field]);
  return {
    name: changed('name'), minimumSeverity: changed('minimumSeverity'), language: changed('language'), kinds: [...v.kinds].sort().join() === [...first.kinds].sort().join() ? null : [...v.kinds],
    intervalMinutes: v.intervalMinutes === first.intervalMinutes ? null : Number(v.intervalMinutes),
  };
}
