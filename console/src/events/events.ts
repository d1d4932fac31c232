import { answer, api } from '../api/client';

export interface EventFilters {
  readonly resource?: string;
  readonly action?: string;
  readonly since?: string;
  readonly until?: string;
}

export const events = {
  key: 'events',
  list: (query: { limit: number; cursor?: string } & EventFilters) => answer(api.GET('/api/v1/events', { params: { query } })),
};

export interface Change {
  readonly field: string;
  readonly before: unknown;
  readonly after: unknown;
}

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value);

/** Reads an event's changes: fields with values before and after. What has another form is shown as what it became. */
export function readChanges(changes: unknown): Change[] {
  if (changes === null || changes === undefined) return [];
  if (!isRecord(changes)) return [{ field: '', before: undefined, after: changes }];
  const { before, after, ...others } = changes;
  if (Object.keys(others).length === 0 && (isRecord(before) || isRecord(after))) {
    const [was, is] = [isRecord(before) ? before : {}, isRecord(after) ? after : {}];
    return [...new Set([...Object.keys(was), ...Object.keys(is)])].map((field) => ({ field, before: was[field], after: is[field] }));
  }
  return Object.entries(changes).map(([field, value]) =>
    isRecord(value) && ('before' in value || 'after' in value) ? { field, before: value['before'], after: value['after'] }
    : Array.isArray(value) && value.length === 2 ? { field, before: value[0] as unknown, after: value[1] as unknown }
    : { field, before: undefined, after: value });
}

export function valueText(value: unknown): string {
  if (value === undefined || value === null) return '-';
  return typeof value === 'string' ? value : JSON.stringify(value);
}
