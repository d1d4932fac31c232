import Box from '@cloudscape-design/components/box';
import Header from '@cloudscape-design/components/header';
import Table from '@cloudscape-design/components/table';
import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { resyncMs } from '../api/pages';
import { events } from '../events/events';
import { useFormat } from '../i18n/format';
import { useText } from '../i18n/text';
import { ResourceLink } from '../ui/ResourceLink';
import { RouteLink } from '../ui/RouteLink';

const latestMax = 8;

export function LatestEvents(): ReactNode {
  const t = useText();
  const format = useFormat();
  const latest = useQuery({ queryKey: [events.key, 'latest'], queryFn: () => events.list({ limit: latestMax }), refetchInterval: resyncMs });
  return (
    <Table
      items={latest.data?.items ?? []} trackBy="id" loading={latest.isPending} loadingText={t('ui.loading')} contentDensity="compact"
      header={<Header variant="h2" actions={<RouteLink to="/events">{t('dashboard.allEvents')}</RouteLink>}>{t('dashboard.events')}</Header>}
      empty={<Box textAlign="center">{t('event.empty')}</Box>}
      columnDefinitions={[
        { id: 'at', header: t('event.at'), cell: (e) => format.dateTime(e.at), width: 210 },
        { id: 'action', header: t('event.action'), cell: (e) => <code>{e.action}</code> },
        { id: 'resource', header: t('event.resource'), cell: (e) => <ResourceLink id={e.resource.id} name={e.resource.name} /> },
        { id: 'actor', header: t('event.actor'), cell: (e) => (e.actor.kind === 'system' ? t('event.actor.system') : (e.actor.name ?? e.actor.id)) },
        { id: 'message', header: t('event.message'), cell: (e) => e.message ?? '-' },
      ]}
    />
  );
}
