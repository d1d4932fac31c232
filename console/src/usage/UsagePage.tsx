import ButtonDropdown from '@cloudscape-design/components/button-dropdown';
import Container from '@cloudscape-design/components/container';
import SegmentedControl from '@cloudscape-design/components/segmented-control';
import Select from '@cloudscape-design/components/select';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { useQuery } from '@tanstack/react-query';
import { lazy, Suspense, useMemo, useState, type ReactNode } from 'react';
import { useSearchParams } from 'react-router';
import { resyncMs } from '../api/pages';
import type { UsageAmount } from '../api/types';
import { useFormat } from '../i18n/format';
import { useText } from '../i18n/text';
import { session } from '../session/session';
import { NameFilter } from '../ui/NameFilter';
import { Loading } from '../ui/Loading';
import { Page } from '../ui/Page';
import { ResourceTable } from '../ui/ResourceTable';
import { RouteLink } from '../ui/RouteLink';
import { useStore } from '../ui/store';
import { useTableLook } from '../ui/tableLook';
import { TimeRangePicker, timesOf, type TimeRange } from '../ui/TimeRange';
import { useFile } from '../ui/useFile';
import { usePart } from '../ui/usePart';
import { meters, ordered, usage, views, type UsageQuery } from './usage';

// The chart brings a large library along, fetched by those who look at days.
const UsageChart = lazy(async () => ({ default: (await import('./UsageChart')).UsageChart }));

/** What the account used in a time: this month, unless another one is chosen. */
export function UsagePage(): ReactNode {
  const t = useText();
  const format = useFormat();
  const { self } = useStore(session);
  const [search, setSearch] = useSearchParams();
  const view = views.find((v) => v === search.get('by')) ?? 'meter';
  const meter = meters.find((m) => m === search.get('meter'));
  const [range, setRange] = useState<TimeRange | null>(null);
  const [find, setFind] = useState('');
  // A relative range is reckoned when it is chosen.
  const times = useMemo(() => timesOf(range), [range]);
  const query: UsageQuery = { ...times, ...(meter === undefined ? {} : { meter }) };
  // Rows that are added up otherwise are of another table.
  const read = useQuery({ queryKey: [usage.key, view, query], queryFn: () => usage.list(query, view), placeholderData: (before, from) => (from?.queryKey[1] === view ? before : undefined), refetchInterval: resyncMs });
  const rows = useMemo(() => read.data && ordered(read.data.items), [read.data]);
  const wanted = find.trim().toLowerCase();
  const look = useTableLook('usage');
  const pages = usePart<UsageAmount & { id: string }>(
    { ...read, data: rows }, look.pageSize, JSON.stringify([view, query, wanted]), (u) => view !== 'resource' || `${u.resource?.name ?? ''} ${u.resource?.id ?? ''}`.toLowerCase().includes(wanted));
  const put = (next: { by?: string; meter?: string }) => setSearch(Object.entries({ by: view, meter: meter ?? '', ...next }).filter(([, value]) => value !== ''), { replace: true });
  const { save, busy } = useFile();
  const options = [{ value: '', label: t('usage.anyMeter') }, ...meters.map((m) => ({ value: m as string, label: t.word('meter', m) }))];
  const name = self?.actingFor.name ?? '';
  const charted = meter ?? read.data?.items[0]?.meter;
  return (
    <Page trail={[{ text: t('usage.title'), href: '/usage' }]}>
      <SpaceBetween size="l">
        {view === 'day' && read.data !== undefined && charted !== undefined && (
          <Container><Suspense fallback={<Loading />}><UsageChart of={read.data} meter={charted} /></Suspense></Container>
        )}
        <ResourceTable<UsageAmount & { id: string }>
          title={t('usage.title')} description={read.data === undefined ? t('usage.aboutYet', { name }) : t('usage.about', { name, time: format.dateTime(read.data.computedUntil) })} pages={pages} look={look} labelOf={(u) => u.id}
          empty={t('usage.empty')} emptyHint={t('usage.emptyHint')}
          actions={
            <ButtonDropdown
              items={(['csv', 'jsonl'] as const).map((id) => ({ id, text: t(`usage.${id}`), iconName: 'download' as const }))} loading={busy} data-testid="usage-export"
              onItemClick={(e) => { const form = e.detail.id === 'csv' ? 'csv' : 'jsonl'; void save(`usage-${name}.${form}`, () => usage.export(query, form)); }}
            >
              {t('usage.export')}
            </ButtonDropdown>
          }
          filter={
            <SpaceBetween size="xs">
              <SegmentedControl label={t('usage.view')} selectedId={view} options={views.map((id) => ({ id, text: t(`usage.view.${id}`) }))} onChange={(e) => put({ by: e.detail.selectedId })} data-testid="usage-view" />
              <div style={{ display: 'grid', gridTemplateColumns: 'repeat(auto-fit, minmax(230px, 1fr))', gap: 12 }}>
                <TimeRangePicker value={range} change={setRange} placeholder={t('usage.month')} />
                <Select selectedOption={options.find((o) => o.value === (meter ?? '')) ?? null} options={options} ariaLabel={t('usage.meter')} onChange={(e) => put({ meter: e.detail.selectedOption.value ?? '' })} data-testid="usage-meter" />
                {view === 'resource' && <NameFilter value={find} change={setFind} />}
              </div>
            </SpaceBetween>
          }
          columns={[
            ...(view === 'day' ? [{ id: 'day', header: t('usage.day'), cell: (u: UsageAmount) => (u.since === null ? '-' : format.day(u.since)), width: 160 }] : []),
            ...(view === 'resource' ? [{ id: 'resource', header: t('usage.resource'), isRowHeader: true, cell: (u: UsageAmount) => (u.resource === null ? '-' : <RouteLink to={`/usage/${u.resource.id}`}>{u.resource.name || u.resource.id}</RouteLink>), width: 220 }] : []),
            { id: 'meter', header: t('usage.meter'), isRowHeader: view !== 'resource', cell: (u) => <span data-testid="usage-row" data-meter={u.meter} data-quantity={u.quantity}>{t.word('meter', u.meter)}</span>, width: 220 },
            { id: 'attribute', header: t('usage.attribute'), cell: (u) => u.attribute || '-', width: 160 },
            { id: 'quantity', header: t('usage.quantity'), cell: (u) => <span className="kumoi-figure">{format.quantity(u.quantity)}</span>, width: 160 },
            { id: 'unit', header: t('usage.unit'), cell: (u) => t.word('unit', u.unit), width: 120 },
            ...(view === 'resource' ? [{ id: 'id', header: t('ui.id'), cell: (u: UsageAmount) => <code>{u.resource?.id ?? '-'}</code>, width: 230 }] : []),
          ]}
        />
      </SpaceBetween>
    </Page>
  );
}
