import type { QueryClient } from '@tanstack/react-query';
import { useQueryClient } from '@tanstack/react-query';
import { useEffect } from 'react';
import { session } from '../session/session';
import { store, useStore } from '../ui/store';
import { followEvents, type StreamState } from './stream';
import type { Event } from './types';

export const streamState = store<StreamState>('connecting');

/** How long events are gathered before lists are read again: a burst of events costs one reading. */
const gatherMs = 250;

/** What else shows something of a resource of the type. */
const shownWith: Readonly<Record<string, readonly string[]>> = {
  instance: ['hosts', 'networks', 'placement-groups', 'subnets', 'interfaces', 'floating-addresses', 'port-forwards', 'routes', 'load-balancers', 'vpns', 'volumes'],
  subnet: ['networks'],
  network: ['routes', 'floating-addresses', 'routers'],
  interface: ['instances', 'networks', 'subnets', 'floating-addresses'],
  'floating-address': ['instances', 'interfaces', 'networks', 'address-pools', 'load-balancers', 'vpns'],
  'load-balancer': ['floating-addresses', 'networks', 'subnets'],
  vpn: ['floating-addresses', 'networks', 'address-pools'],
  'port-forward': ['floating-addresses'],
  volume: ['pools', 'hosts', 'snapshots', 'backups', 'strays', 'recoverable-volumes'],
  snapshot: ['volumes'],
  backup: ['volumes'],
  'backup-schedule': ['backups'],
  host: ['strays', 'recoverable-volumes', 'host-pools'],
  'host-pool': ['hosts'],
  // Who is a member of what, and what they may.
  user: ['members', 'domains', 'self', 'second-factor'],
  role: ['members', 'self'],
  account: ['domains', 'quotas', 'self'],
  domain: ['accounts', 'quotas', 'roles', 'self'],
  tariff: ['statements'],
  alert: ['cloud-alerts'],
  contact: ['cloud-contacts'],
  statement: ['issued-statements'],
  'quota-request': ['quotas'],
  'quota-default': ['quotas'],
};

// What is counted against quotas.
const counted = ['instance', 'volume', 'snapshot', 'backup', 'image', 'floating-address', 'network', 'router', 'security-group', 'load-balancer', 'vpn', 'key-pair', 'placement-group'];

function pluralOf(type: string): string {
  if (/[^aeiou]y$/.test(type)) return `${type.slice(0, -1)}ies`;
  return /(s|ch)$/.test(type) ? `${type}es` : `${type}s`;
}

/** The queries that an event makes stale: those of the resource's type, and what is counted from them. */
export function staleAfter(events: readonly Event[]): Set<string> {
  const stale = new Set<string>(['events']);
  for (const { resource: { type } } of events) {
    stale.add(pluralOf(type));
    if (['instance', 'image', 'key-pair', 'network', 'security-group'].includes(type)) stale.add('summary');
    if (counted.includes(type)) stale.add('quotas');
    for (const also of shownWith[type] ?? []) stale.add(also);
  }
  return stale;
}

/** The one connection over which the whole console hears what happened. Whoever may not see events is not refused again and again. */
export function useLiveUpdates(enabled: boolean): void {
  const queries = useQueryClient();
  const { token, actingFor } = useStore(session);
  useEffect(() => {
    if (token === null || !enabled) return;
    const ended = new AbortController();
    const gathered = gather(queries);
    void followEvents(gathered.add, streamState.set, ended.signal);
    return () => {
      ended.abort();
      gathered.drop();
    };
  }, [queries, token, actingFor, enabled]);
}

function gather(queries: QueryClient) {
  let waiting: Event[] = [];
  let timer: number | undefined;
  const flush = () => {
    timer = undefined;
    const stale = staleAfter(waiting);
    waiting = [];
    void queries.invalidateQueries({ predicate: (query) => stale.has(String(query.queryKey[0])) });
  };
  return {
    add: (events: Event[]) => {
      waiting.push(...events);
      timer ??= window.setTimeout(flush, gatherMs);
    },
    drop: () => window.clearTimeout(timer),
  };
}
