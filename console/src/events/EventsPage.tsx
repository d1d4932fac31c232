import DateRangePicker, { type DateRangePickerProps } from '@cloudscape-design/components/date-range-picker';
import Input from '@cloudscape-design/components/input';
import { useMemo, useState, type ReactNode } from 'react';
import { useText } from '../i18n/text';
import { Page } from '../ui/Page';
import { useDebounced } from '../ui/useDebounced';
import type { EventFilters } from './events';
import { EventTable } from './EventTable';

const msOf: Readonly<Record<string, number>> = { second: 1e3, minute: 6e4, hour: 36e5, day: 864e5, week: 6048e5, month: 2592e6, year: 31536e6 };

export function EventsPage(): ReactNode {
  const t = useText();
  const [resource, setResource] = useState('');
  const [action, setAction] = useState('');
  const [range, setRange] = useState<DateRangePickerProps.Value | null>(null);
  const [restedResource, restedAction] = [useDebounced(resource.trim()), useDebounced(action.trim())];
  // A relative range is reckoned when it is chosen: the filters must not change at every drawing.
  const times = useMemo(() => timesOf(range), [range]);
  const filters: EventFilters = { ...times, ...(restedResource === '' ? {} : { resource: restedResource }), ...(restedAction === '' ? {} : { action: restedAction }) };
  const clear = () => { setResource(''); setAction(''); setRange(null); };
  const length = (amount: number, unit: string) => t('event.last', { amount, unit: t.word('event.unit', unit) });
  return (
    <Page trail={[{ text: t('event.title'), href: '/events' }]}>
      <EventTable
        filters={filters} clearFilter={Object.keys(filters).length > 0 ? clear : undefined}
        filter={
          <div style={{ display: 'grid', gridTemplateColumns: 'repeat(auto-fit, minmax(230px, 1fr))', gap: 12 }}>
            <Input type="search" value={resource} placeholder={t('event.filterResource')} ariaLabel={t('event.filterResource')} onChange={(e) => setResource(e.detail.value)} />
            <Input type="search" value={action} placeholder={t('event.filterAction')} ariaLabel={t('event.filterAction')} onChange={(e) => setAction(e.detail.value)} />
            <DateRangePicker
              value={range} onChange={(e) => setRange(e.detail.value)} placeholder={t('event.filterTime')} absoluteFormat="long-localized"
              relativeOptions={[
                { key: 'hour', type: 'relative', amount: 1, unit: 'hour' }, { key: 'day', type: 'relative', amount: 24, unit: 'hour' },
                { key: 'week', type: 'relative', amount: 7, unit: 'day' }, { key: 'month', type: 'relative', amount: 30, unit: 'day' },
              ]}
              isValidRange={(value) => (value?.type === 'absolute' && value.startDate >= value.endDate ? { valid: false, errorMessage: t('event.rangeWrong') } : { valid: true })}
              i18nStrings={{
                ariaLabel: t('event.filterTime'), formatRelativeRange: ({ amount, unit }) => length(amount, unit),
                formatUnit: (unit) => t.word('event.unit', unit), customRelativeRangeOptionLabel: t('event.lastAny'), customRelativeRangeOptionDescription: t('event.lastAnyHint'),
              }}
            />
          </div>
        }
      />
    </Page>
  );
}

function timesOf(range: DateRangePickerProps.Value | null): { since?: string; until?: string } {
  if (range === null) return {};
  if (range.type === 'absolute') return { since: new Date(range.startDate).toISOString(), until: new Date(range.endDate).toISOString() };
  return { since: new Date(Date.now() - range.amount * (msOf[range.unit] ?? 0)).toISOString() };
}
