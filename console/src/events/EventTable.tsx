import Box from '@cloudscape-design/components/box';
import type { ReactNode } from 'react';
import { usePages } from '../api/pages';
import type { Event } from '../api/types';
import { useFormat } from '../i18n/format';
import { useText } from '../i18n/text';
import { useMay } from '../session/permissions';
import { ResourceLink } from '../ui/ResourceLink';
import { ResourceTable } from '../ui/ResourceTable';
import { useTableLook } from '../ui/tableLook';
import { EventDetails } from './EventDetails';
import { events, type EventFilters } from './events';

interface Props {
  filters: EventFilters;
  within?: boolean;
  filter?: ReactNode;
  clearFilter?: (() => void) | undefined;
}

/** Events, unless they may not be seen: on the page of what they are about, that is said in their place. */
export function EventTable(props: Props): ReactNode {
  const t = useText();
  const may = useMay();
  return may('events:read') ? <Shown {...props} /> : <Box color="text-body-secondary">{t('ui.needs', { permission: 'events:read' })}</Box>;
}

function Shown({ filters, within = false, filter, clearFilter }: Props): ReactNode {
  const t = useText();
  const format = useFormat();
  const look = useTableLook('events', ['source', 'request']);
  const pages = usePages([events.key, filters], look.pageSize, (page) => events.list({ ...page, ...filters }));
  const actor = ({ actor: { kind, name, id } }: Event) => (kind === 'system' ? t('event.actor.system') : `${name ?? id ?? ''} (${t.word('event.actor', kind)})`);
  return (
    <ResourceTable
      title={t('event.title')} description={within ? undefined : t('event.about')} within={within} pages={pages} look={look} labelOf={(e) => e.action} empty={t('event.empty')} filter={filter} clearFilter={clearFilter}
      columns={[
        { id: 'at', header: t('event.at'), cell: (e) => format.dateTime(e.at), width: 235 },
        { id: 'action', header: t('event.action'), cell: (e) => <code>{e.action}</code>, isRowHeader: true, width: 210 },
        { id: 'resource', header: t('event.resource'), cell: (e) => <ResourceLink id={e.resource.id} name={e.resource.name} />, width: 180 },
        { id: 'actor', header: t('event.actor'), cell: actor, width: 190 },
        { id: 'details', header: t('event.message'), cell: (e) => <EventDetails event={e} />, width: 340 },
        { id: 'source', header: t('event.source'), cell: (e) => e.sourceAddress ?? '-', width: 150 },
        { id: 'request', header: t('event.requestId'), cell: (e) => <code>{e.requestId ?? '-'}</code>, width: 200 },
      ]}
    />
  );
}
