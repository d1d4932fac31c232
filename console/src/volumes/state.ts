import type { StatusIndicatorProps } from '@cloudscape-design/components/status-indicator';
import type { Volume } from '../api/types';

export const states = ['creating', 'available', 'attaching', 'in-use', 'detaching', 'resizing', 'deleting'] as const;

const resting: Readonly<Record<string, StatusIndicatorProps.Type>> = { available: 'info', 'in-use': 'success' };

/** True while something asked of a volume is on its way. One that has no place yet has nobody who could do more to it. */
export function isSettling(v: Pick<Volume, 'state' | 'host' | 'generation' | 'observedGeneration'>): boolean {
  return !(v.state in resting) || (v.host !== null && v.observedGeneration < v.generation);
}

/** How a state looks: on its way (turning), free, in use. Held up by a condition is a warning. */
export function lookOf(v: Pick<Volume, 'state' | 'host' | 'generation' | 'observedGeneration' | 'conditions'>): StatusIndicatorProps.Type {
  if (v.conditions.length > 0) return 'warning';
  return isSettling(v) ? 'loading' : (resting[v.state] ?? 'info');
}
