import Button from '@cloudscape-design/components/button';
import Container from '@cloudscape-design/components/container';
import Header from '@cloudscape-design/components/header';
import KeyValuePairs from '@cloudscape-design/components/key-value-pairs';
import SpaceBetween from '@cloudscape-design/components/space-between';
import Tabs from '@cloudscape-design/components/tabs';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState, type ReactNode } from 'react';
import { useNavigate, useParams, useSearchParams } from 'react-router';
import { resyncMs, watchMs } from '../api/pages';
import type { Switch } from '../api/types';
import { EventTable } from '../events/EventTable';
import { useFormat } from '../i18n/format';
import { useText } from '../i18n/text';
import { Copy } from '../ui/Copy';
import { DeleteDialog } from '../ui/DeleteDialog';
import { Loading } from '../ui/Loading';
import { Page } from '../ui/Page';
import { ProblemAlert } from '../ui/ProblemAlert';
import { WriteButton } from '../ui/WriteButton';
import { PortTable } from './PortTable';
import { switches } from './switches';
import { PortCount, SwitchState } from './SwitchState';

export function SwitchPage(): ReactNode {
  const t = useText();
  const id = useParams()['id'] ?? '';
  const navigate = useNavigate();
  const queries = useQueryClient();
  const [search, setSearch] = useSearchParams();
  const [deleting, setDeleting] = useState(false);
  const { data, error, isPending, refetch } = useQuery({
    queryKey: [switches.key, 'one', id], queryFn: () => switches.get(id),
    refetchInterval: (query) => (query.state.data?.ports.some((p) => p.state !== 'applied') ? watchMs : resyncMs),
  });
  const trail = [{ text: t('switch.title'), href: '/switches' }, { text: data?.name ?? id, href: `/switches/${id}` }];
  if (isPending) return <Page trail={trail}><Loading /></Page>;
  if (data === undefined) return <Page trail={trail}><ProblemAlert failure={error} /></Page>;
  return (
    <Page trail={trail}>
      <SpaceBetween size="l">
        <Header
          variant="h1" description={<code>{data.id}</code>}
          actions={
            <SpaceBetween direction="horizontal" size="xs">
              <Button iconName="refresh" ariaLabel={t('ui.refresh')} onClick={() => void refetch()} />
              <WriteButton needs="switches:write" reach="cloud" onClick={() => setDeleting(true)} data-testid="switch-delete">{t('ui.delete')}</WriteButton>
            </SpaceBetween>
          }
        >
          {data.name}
        </Header>
        <ProblemAlert failure={error} />
        <Overview of={data} />
        <Tabs
          activeTabId={search.get('tab') ?? 'ports'} onChange={(e) => setSearch({ tab: e.detail.activeTabId }, { replace: true })}
          tabs={[
            { id: 'ports', label: t('switch.ports'), content: <PortTable of={data} /> },
            { id: 'events', label: t('instance.tab.events'), content: <EventTable within filters={{ resource: data.id }} /> },
          ].map((tab) => ({ ...tab, label: <span data-testid={`tab-${tab.id}`}>{tab.label}</span> }))}
        />
      </SpaceBetween>
      {deleting && (
        <DeleteDialog
          items={[data]} stale={[]} remove={switches.remove} close={() => setDeleting(false)}
          done={() => {
            // Lists are read anew; what this page has read is not, since it is no more.
            queries.removeQueries({ queryKey: [switches.key], type: 'inactive' });
            void navigate('/switches');
          }}
        >
          {t('switch.deleteBody')}
        </DeleteDialog>
      )}
    </Page>
  );
}

function Overview({ of: s }: { of: Switch }): ReactNode {
  const t = useText();
  const format = useFormat();
  return (
    <Container header={<Header variant="h2">{t('ui.overview')}</Header>}>
      <KeyValuePairs
        columns={3} minColumnWidth={220}
        items={[
          { label: t('ui.state'), value: <SwitchState of={s} /> },
          { label: t('switch.checked'), value: s.checkedAt === null ? '-' : format.dateTime(s.checkedAt) },
          { label: t('switch.portsSet'), value: <PortCount ports={s.ports} /> },
          { label: t('switch.url'), value: <Copy text={s.url} /> },
          { label: t('switch.trust'), value: t(s.ownAuthority ? 'switch.trustOwn' : 'switch.trustMachine') },
          { label: t('switch.driver'), value: <code>{s.driver}</code> },
          { label: t('ui.created'), value: format.dateTime(s.createdAt) },
        ]}
      />
    </Container>
  );
}
