import type { StatusIndicatorProps } from '@cloudscape-design/components/status-indicator';
import type { Volume } from '../api/types';

export const states = ['creating', 'available', 'attaching', 'in-use', 'detaching', 'resizing', 'restoring', 'moving', 'deleting', 'retained'] as const;

const looks: Readonly<Record<(typeof states)[number], StatusIndicatorProps.Type>> = {
  creating: 'loading',
  available: 'info',
  attaching: 'loading',
  'in-use': 'success',
  detaching: 'loading',
  resizing: 'loading',
  restoring: 'loading',
  moving: 'loading',
  deleting: 'loading',
  retained: 'stopped',
};

const lookIn = (state: string) => looks[state as keyof typeof looks] ?? 'info';

/** True while something asked of a volume is on its way. One that has no place yet has nobody who could do more to it. */
export function isSettling(v: Pick<Volume, 'state' | 'host' | 'generation' | 'observedGeneration' | 'work'>): boolean {
  return lookIn(v.state) === 'loading' || v.work !== null || (v.host !== null && v.observedGeneration < v.generation);
}

/** How a state looks: on its way (turning), free, in use. Held up by a condition is a warning. */
export function lookOf(v: Pick<Volume, 'state' | 'host' | 'generation' | 'observedGeneration' | 'conditions' | 'work'>): StatusIndicatorProps.Type {
  if (v.conditions.length > 0) return 'warning';
  return isSettling(v) ? 'loading' : lookIn(v.state);
}
