import Input from '@cloudscape-design/components/input';
import { useMemo, useState, type ReactNode } from 'react';
import { useSearchParams } from 'react-router';
import { useText } from '../i18n/text';
import { Page } from '../ui/Page';
import { TimeRangePicker, timesOf, type TimeRange } from '../ui/TimeRange';
import { useDebounced } from '../ui/useDebounced';
import type { EventFilters } from './events';
import { EventTable } from './EventTable';

export function EventsPage(): ReactNode {
  const t = useText();
  const [search] = useSearchParams();
  const [resource, setResource] = useState(search.get('resource') ?? '');
  const [action, setAction] = useState(search.get('action') ?? '');
  const [range, setRange] = useState<TimeRange | null>(null);
  const [restedResource, restedAction] = [useDebounced(resource.trim()), useDebounced(action.trim())];
  // A relative range is reckoned when it is chosen: the filters must not change at every drawing.
  const times = useMemo(() => timesOf(range), [range]);
  const filters: EventFilters = { ...times, ...(restedResource === '' ? {} : { resource: restedResource }), ...(restedAction === '' ? {} : { action: restedAction }) };
  const clear = () => { setResource(''); setAction(''); setRange(null); };
  return (
    <Page trail={[{ text: t('event.title'), href: '/events' }]}>
      <EventTable
        filters={filters} clearFilter={Object.keys(filters).length > 0 ? clear : undefined}
        filter={
          <div style={{ display: 'grid', gridTemplateColumns: 'repeat(auto-fit, minmax(230px, 1fr))', gap: 12 }}>
            <Input type="search" value={resource} placeholder={t('event.filterResource')} ariaLabel={t('event.filterResource')} onChange={(e) => setResource(e.detail.value)} />
            <Input type="search" value={action} placeholder={t('event.filterAction')} ariaLabel={t('event.filterAction')} onChange={(e) => setAction(e.detail.value)} />
            <TimeRangePicker value={range} change={setRange} placeholder={t('event.filterTime')} />
          </div>
        }
      />
    </Page>
  );
}
