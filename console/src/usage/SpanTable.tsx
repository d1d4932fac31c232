import Box from '@cloudscape-design/components/box';
import { useQuery } from '@tanstack/react-query';
import { useMemo, type ReactNode } from 'react';
import { resyncMs } from '../api/pages';
import type { Event, UsageSpan } from '../api/types';
import { useFormat } from '../i18n/format';
import { useText } from '../i18n/text';
import { useMay } from '../session/permissions';
import { ResourceTable } from '../ui/ResourceTable';
import { RouteLink } from '../ui/RouteLink';
import { useTableLook } from '../ui/tableLook';
import { usePart } from '../ui/usePart';
import { usage } from './usage';

type Row = UsageSpan & { id: string };

/** From when to when a resource had how much, and who began and ended that. The latest first. */
export function SpanTable({ resource }: { resource: string }): ReactNode {
  const t = useText();
  const format = useFormat();
  const read = useQuery({ queryKey: [usage.key, 'spans', resource], queryFn: () => usage.spans(resource), refetchInterval: resyncMs });
  const rows = useMemo(() => read.data?.items.map((s): Row => ({ ...s, id: `${s.meter} ${s.attribute} ${s.begunAt}` })).sort((a, b) => b.begunAt.localeCompare(a.begunAt) || a.meter.localeCompare(b.meter)), [read.data]);
  const look = useTableLook('usage-spans');
  const pages = usePart<Row>({ ...read, data: rows }, look.pageSize, resource, () => true);
  return (
    <ResourceTable<Row>
      title={t('usage.traceTitle')} description={t('usage.traceAbout')} within pages={pages} look={look} labelOf={(s) => s.id} empty={t('usage.traceEmpty')}
      columns={[
        { id: 'meter', header: t('usage.meter'), isRowHeader: true, cell: (s) => <span data-testid="usage-span" data-meter={s.meter}>{t.word('meter', s.meter)}{s.attribute !== '' && ` (${s.attribute})`}</span>, width: 240 },
        { id: 'quantity', header: t('usage.quantity'), cell: (s) => (s.unit === 'hour' ? format.quantity(s.quantity) : `${format.quantity(s.quantity)} GiB`), width: 120 },
        { id: 'begun', header: t('usage.begun'), cell: (s) => <Turn at={s.begunAt} event={s.begun} />, width: 300 },
        { id: 'ended', header: t('usage.ended'), cell: (s) => (s.endedAt === null ? t('usage.still') : <Turn at={s.endedAt} event={s.ended} />), width: 300 },
      ]}
    />
  );
}

/** When a span began or ended, and the event of that. */
function Turn({ at, event }: { at: string; event: Event | null }): ReactNode {
  const t = useText();
  const format = useFormat();
  const may = useMay();
  if (event === null) return <>{format.dateTime(at)}<Box fontSize="body-s" color="text-body-secondary">{t('usage.noEvent')}</Box></>;
  const { actor: { kind, name, id } } = event;
  const words = t('usage.by', { action: event.action, who: kind === 'system' ? t('event.actor.system') : (name ?? id ?? '') });
  return (
    <>
      {format.dateTime(at)}
      <Box fontSize="body-s">{may('events:read') ? <RouteLink fontSize="body-s" to={`/events?resource=${encodeURIComponent(event.resource.id)}&action=${encodeURIComponent(event.action)}`}>{words}</RouteLink> : words}</Box>
    </>
  );
}
