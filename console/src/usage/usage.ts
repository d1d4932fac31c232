import { answer, api } from '../api/client';
import type { UsageAmount } from '../api/types';

/** What is counted, in the order in which it is shown. */
export const meters = [
  'instance.running', 'instance.allocated', 'volume.allocated', 'snapshot.stored', 'backup.stored', 'image.stored', 'floating-address.allocated', 'network.allocated', 'router.allocated', 'load-balancer.allocated', 'vpn.allocated', 'traffic.in', 'traffic.out',
] as const;

export interface UsageQuery {
  readonly since?: string;
  readonly until?: string;
  readonly meter?: string;
}

export const views = ['meter', 'resource', 'day'] as const;
export type View = (typeof views)[number];

export const usage = {
  key: 'usage',
  list: (query: UsageQuery, view: View) => answer(api.GET('/api/v1/usage', { params: { query: { ...query, ...(view === 'meter' ? {} : { by: view }) } } })),
  export: (query: UsageQuery, format: 'csv' | 'jsonl') => answer(api.GET('/api/v1/usage/export', { params: { query: { ...query, format } }, parseAs: 'blob' })) as Promise<Blob>,
  spans: (resource: string) => answer(api.GET('/api/v1/usage/{meteredResource}/spans', { params: { path: { meteredResource: resource } } })),
};

function place(meter: string): number {
  const at = (meters as readonly string[]).indexOf(meter);
  return at < 0 ? meters.length : at;
}

/** Rows as they are read: the latest day first, then by meter, the most used first. */
export function ordered(items: readonly UsageAmount[]): (UsageAmount & { id: string })[] {
  return items.map((u) => ({ ...u, id: [u.since ?? '', u.meter, u.attribute, u.resource?.id ?? ''].join(' ') }))
    .sort((a, b) => (b.since ?? '').localeCompare(a.since ?? '') || place(a.meter) - place(b.meter) || a.meter.localeCompare(b.meter) || b.quantity - a.quantity || a.id.localeCompare(b.id));
}

const dayMs = 864e5;

// A bar needs room: of more days only those are drawn that have something.
const daysMost = 62;

export interface Bars {
  /** Begins of days of UTC. */
  readonly days: readonly string[];
  readonly series: readonly { readonly attribute: string; readonly quantities: readonly number[] }[];
  /** The height of the highest bar. */
  readonly most: number;
}

/** What of a meter was used each day, by kind. Days on which nothing was used are days, too. */
export function barsOf(items: readonly UsageAmount[], meter: string, since: string, until: string): Bars {
  const own = items.filter((u) => u.meter === meter && u.since !== null);
  const iso = (ms: number) => new Date(ms).toISOString();
  const [first, end] = [Math.floor(Date.parse(since) / dayMs) * dayMs, Date.parse(until)];
  const used = [...new Set(own.map((u) => iso(Date.parse(u.since ?? ''))))].sort();
  const days = end - first > daysMost * dayMs ? used : Array.from({ length: Math.max(0, Math.ceil((end - first) / dayMs)) }, (_, at) => iso(first + at * dayMs));
  const attributes = [...new Set(own.map((u) => u.attribute))].sort();
  const of = (attribute: string, day: string) => own.filter((u) => u.attribute === attribute && iso(Date.parse(u.since ?? '')) === day).reduce((sum, u) => sum + u.quantity, 0);
  const series = attributes.map((attribute) => ({ attribute, quantities: days.map((day) => of(attribute, day)) }));
  return { days, series, most: Math.max(0, ...days.map((_, at) => series.reduce((sum, s) => sum + (s.quantities[at] ?? 0), 0))) };
}
