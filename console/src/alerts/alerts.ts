import { answer, api } from '../api/client';
import type { Alert } from '../api/types';

/** Whose alerts and contacts: the account's that is acted for, or the cloud's. */
export type Whose = 'account' | 'cloud';

interface Query {
  limit: number;
  cursor?: string;
  state?: string;
  severity?: string;
}

const at = (id: string) => ({ params: { path: { alert: id } } });

export const alerts = {
  account: {
    key: 'alerts',
    list: (query: Query) => answer(api.GET('/api/v1/alerts', { params: { query } })),
    acknowledge: (id: string, note: string | null) => answer(api.POST('/api/v1/alerts/{alert}/acknowledge', { ...at(id), body: { note } })),
    unacknowledge: (id: string) => answer(api.POST('/api/v1/alerts/{alert}/unacknowledge', at(id))),
  },
  cloud: {
    key: 'cloud-alerts',
    list: (query: Query) => answer(api.GET('/api/v1/cloud-alerts', { params: { query } })),
    acknowledge: (id: string, note: string | null) => answer(api.POST('/api/v1/cloud-alerts/{alert}/acknowledge', { ...at(id), body: { note } })),
    unacknowledge: (id: string) => answer(api.POST('/api/v1/cloud-alerts/{alert}/unacknowledge', at(id))),
  },
} as const;

/** What shows something of alerts. */
export const staleWithAlerts = ['alerts', 'cloud-alerts'] as const;

export const severities = ['info', 'warning', 'critical'] as const;
export const alertStates = ['unresolved', 'open', 'acknowledged', 'resolved'] as const;

export type Look = 'error' | 'warning' | 'info' | 'success' | 'in-progress';

/** How an alert is drawn: by how much it matters, while nobody looks after it. */
export function lookOf({ state, severity }: Pick<Alert, 'state' | 'severity'>): Look {
  if (state === 'resolved') return 'success';
  if (state === 'acknowledged') return 'in-progress';
  return severity === 'critical' ? 'error' : severity === 'warning' ? 'warning' : 'info';
}

// The server's rule.
export const noteMax = 1000;
