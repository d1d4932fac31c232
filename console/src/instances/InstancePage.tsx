import Box from '@cloudscape-design/components/box';
import Button from '@cloudscape-design/components/button';
import Header from '@cloudscape-design/components/header';
import SpaceBetween from '@cloudscape-design/components/space-between';
import Tabs from '@cloudscape-design/components/tabs';
import { useQuery } from '@tanstack/react-query';
import { lazy, Suspense, useState, type ReactNode } from 'react';
import { useParams, useSearchParams } from 'react-router';
import { resyncMs } from '../api/pages';
import { EventTable } from '../events/EventTable';
import { useText } from '../i18n/text';
import { MakeImageDialog } from '../images/MakeImageDialog';
import { useMay } from '../session/permissions';
import { Loading } from '../ui/Loading';
import { Page } from '../ui/Page';
import { ProblemAlert } from '../ui/ProblemAlert';
import { WriteButton } from '../ui/WriteButton';
import { SpanTable } from '../usage/SpanTable';
import { InstanceVolumes } from '../volumes/InstanceVolumes';
import { ActionButtons } from './ActionButtons';
import { ConsoleLog } from './console/ConsoleLog';
import { EditInstanceDialog } from './EditInstanceDialog';
import { instances } from './instances';
import { InstanceOverview } from './InstanceOverview';
import { InstanceState } from './InstanceState';
import { Networking } from './Networking';

// The terminal and the screen bring large libraries along, fetched by those who open them.
const SerialConsole = lazy(async () => ({ default: (await import('./console/SerialConsole')).SerialConsole }));
const Screen = lazy(async () => ({ default: (await import('./console/Screen')).Screen }));

export function InstancePage(): ReactNode {
  const t = useText();
  const may = useMay();
  const id = useParams()['id'] ?? '';
  const [dialog, setDialog] = useState<'image' | 'edit' | null>(null);
  const [search, setSearch] = useSearchParams();
  const { data: instance, error, isPending, refetch } = useQuery({
    queryKey: [instances.key, 'one', id], queryFn: () => instances.get(id), refetchInterval: resyncMs,
  });
  const trail = [{ text: t('instance.title'), href: '/instances' }, { text: instance?.name ?? id, href: `/instances/${id}` }];
  if (isPending) return <Page trail={trail}><Loading /></Page>;
  if (instance === undefined) return <Page trail={trail}><ProblemAlert failure={error} /></Page>;
  return (
    <Page trail={trail}>
      <SpaceBetween size="l">
        <Header
          variant="h1" info={<Box fontSize="body-m" display="inline-block"><InstanceState instance={instance} /></Box>} description={<code>{instance.id}</code>}
          actions={
            <SpaceBetween direction="horizontal" size="xs">
              <Button iconName="refresh" ariaLabel={t('ui.refresh')} onClick={() => void refetch()} />
              <WriteButton needs="images:write" disabled={instance.desired === 'terminated'} onClick={() => setDialog('image')} data-testid="instance-image">{t('image.make')}</WriteButton>
              <WriteButton needs="instances:write" disabled={instance.desired === 'terminated'} onClick={() => setDialog('edit')} data-testid="instance-edit">{t('instance.edit')}</WriteButton>
              <ActionButtons chosen={[instance]} />
            </SpaceBetween>
          }
        >
          {instance.name}
        </Header>
        <ProblemAlert failure={error} />
        <InstanceOverview instance={instance} />
        <Tabs
          activeTabId={search.get('tab') ?? 'networking'} onChange={(e) => setSearch({ tab: e.detail.activeTabId }, { replace: true })}
          tabs={[
            { id: 'networking', needs: undefined, label: t('instance.tab.networking'), content: <Networking instance={instance} /> },
            { id: 'volumes', needs: 'volumes:read' as const, label: t('instance.tab.volumes'), content: <InstanceVolumes instance={instance} /> },
            { id: 'serial', needs: 'instances:console' as const, label: t('instance.tab.serial'), content: <Suspense fallback={<Loading />}><SerialConsole instance={instance} /></Suspense> },
            { id: 'screen', needs: 'instances:console' as const, label: t('instance.tab.screen'), content: <Suspense fallback={<Loading />}><Screen instance={instance} /></Suspense> },
            { id: 'log', needs: undefined, label: t('instance.tab.log'), content: <ConsoleLog instance={instance} /> },
            { id: 'events', needs: 'events:read' as const, label: t('instance.tab.events'), content: <EventTable within filters={{ resource: instance.id }} /> },
            { id: 'usage', needs: 'usage:read' as const, label: t('usage.title'), content: <SpanTable resource={instance.id} /> },
          ].filter(({ needs }) => needs === undefined || may(needs)).map((tab) => ({ ...tab, label: <span data-testid={`tab-${tab.id}`}>{tab.label}</span> }))}
        />
      </SpaceBetween>
      {dialog === 'image' && <MakeImageDialog of={{ fromInstance: instance }} close={() => setDialog(null)} />}
      {dialog === 'edit' && <EditInstanceDialog instance={instance} close={() => setDialog(null)} />}
    </Page>
  );
}
