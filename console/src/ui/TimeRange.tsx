import DateRangePicker, { type DateRangePickerProps } from '@cloudscape-design/components/date-range-picker';
import type { ReactNode } from 'react';
import { useText } from '../i18n/text';

export type TimeRange = DateRangePickerProps.Value;

const msOf: Readonly<Record<string, number>> = { second: 1e3, minute: 6e4, hour: 36e5, day: 864e5, week: 6048e5, month: 2592e6, year: 31536e6 };

/** A time, by its begin and end or by how long ago it began; none is what the placeholder says. */
export function TimeRangePicker({ value, change, placeholder }: { value: TimeRange | null; change: (next: TimeRange | null) => void; placeholder: string }): ReactNode {
  const t = useText();
  const length = (amount: number, unit: string) => t('event.last', { amount, unit: t.word('event.unit', unit) });
  return (
    <DateRangePicker
      value={value} onChange={(e) => change(e.detail.value)} placeholder={placeholder} absoluteFormat="long-localized"
      relativeOptions={[
        { key: 'hour', type: 'relative', amount: 1, unit: 'hour' }, { key: 'day', type: 'relative', amount: 24, unit: 'hour' },
        { key: 'week', type: 'relative', amount: 7, unit: 'day' }, { key: 'month', type: 'relative', amount: 30, unit: 'day' },
      ]}
      isValidRange={(range) => (range?.type === 'absolute' && range.startDate >= range.endDate ? { valid: false, errorMessage: t('event.rangeWrong') } : { valid: true })}
      i18nStrings={{
        ariaLabel: placeholder, formatRelativeRange: ({ amount, unit }) => length(amount, unit),
        formatUnit: (unit) => t.word('event.unit', unit), customRelativeRangeOptionLabel: t('event.lastAny'), customRelativeRangeOptionDescription: t('event.lastAnyHint'),
      }}
    />
  );
}

export function timesOf(range: TimeRange | null): { since?: string; until?: string } {
  if (range === null) return {};
  if (range.type === 'absolute') return { since: new Date(range.startDate).toISOString(), until: new Date(range.endDate).toISOString() };
  return { since: new Date(Date.now() - range.amount * (msOf[range.unit] ?? 0)).toISOString() };
}
