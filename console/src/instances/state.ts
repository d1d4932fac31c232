import type { StatusIndicatorProps } from '@cloudscape-design/components/status-indicator';

export const states = ['pending', 'running', 'stopping', 'stopped', 'shutting-down', 'terminated'] as const;

const looks: Readonly<Record<(typeof states)[number], StatusIndicatorProps.Type>> = {
  pending: 'loading',
  running: 'success',
  stopping: 'loading',
  stopped: 'stopped',
  'shutting-down': 'loading',
  terminated: 'not-started',
};

/** How a state looks: on its way (turning), as desired, off. On its way but held up by a condition is a warning. */
export function lookOf(state: string, conditions: number): StatusIndicatorProps.Type {
  const look = looks[state as keyof typeof looks] ?? 'info';
  return conditions > 0 && look !== 'not-started' ? 'warning' : look;
}
