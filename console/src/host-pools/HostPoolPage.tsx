import Button from '@cloudscape-design/components/button';
import Container from '@cloudscape-design/components/container';
import Header from '@cloudscape-design/components/header';
import KeyValuePairs from '@cloudscape-design/components/key-value-pairs';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { useQuery } from '@tanstack/react-query';
import { useState, type ReactNode } from 'react';
import { useParams } from 'react-router';
import { resyncMs, useAll } from '../api/pages';
import type { HostPool } from '../api/types';
import { CapacityBar } from '../hosts/CapacityBar';
import { hosts } from '../hosts/hosts';
import { HostState } from '../hosts/HostState';
import { useFormat } from '../i18n/format';
import { useText } from '../i18n/text';
import { useMay } from '../session/permissions';
import { Loading } from '../ui/Loading';
import { Page } from '../ui/Page';
import { ProblemAlert } from '../ui/ProblemAlert';
import { RouteLink } from '../ui/RouteLink';
import { ShortTable } from '../ui/ShortTable';
import { TagList } from '../ui/TagList';
import { WriteButton } from '../ui/WriteButton';
import { HostPoolAccounts } from './HostPoolAccounts';
import { HostPoolDialog } from './HostPoolDialog';
import { HostPoolFor } from './HostPoolFor';
import { hostPools } from './hostPools';

export function HostPoolPage(): ReactNode {
  const t = useText();
  const may = useMay();
  const id = useParams()['id'] ?? '';
  const [editing, setEditing] = useState(false);
  const { data: pool, error, isPending, refetch } = useQuery({ queryKey: [hostPools.key, 'one', id], queryFn: () => hostPools.get(id), refetchInterval: resyncMs });
  const trail = [{ text: t('hostPool.title'), href: '/host-pools' }, { text: pool?.name ?? id, href: `/host-pools/${id}` }];
  if (isPending) return <Page trail={trail}><Loading /></Page>;
  if (pool === undefined) return <Page trail={trail}><ProblemAlert failure={error} /></Page>;
  return (
    <Page trail={trail}>
      <SpaceBetween size="l">
        <Header
          variant="h1" description={pool.description || <code>{pool.id}</code>}
          actions={
            <SpaceBetween direction="horizontal" size="xs">
              <Button iconName="refresh" ariaLabel={t('ui.refresh')} onClick={() => void refetch()} />
              <WriteButton needs="host-pools:write" reach="cloud" onClick={() => setEditing(true)} data-testid="host-pool-edit">{t('hostPool.edit')}</WriteButton>
            </SpaceBetween>
          }
        >
          {pool.name}
        </Header>
        <ProblemAlert failure={error} />
        <Overview pool={pool} />
        <Container><HostPoolAccounts pool={pool} /></Container>
        {may('hosts:read', 'cloud') && <Container><Hosts pool={pool} /></Container>}
      </SpaceBetween>
      {editing && <HostPoolDialog pool={pool} close={() => setEditing(false)} />}
    </Page>
  );
}

function Overview({ pool: p }: { pool: HostPool }): ReactNode {
  const t = useText();
  const format = useFormat();
  const room = p.capacity !== null && p.allocated !== null ? [
    { label: t('host.vcpus'), value: <CapacityBar used={p.allocated.vcpus} total={p.capacity.vcpus} show={format.number} label={t('host.vcpus')} /> },
    { label: t('host.memory'), value: <CapacityBar used={p.allocated.memoryMib} total={p.capacity.memoryMib} show={format.mib} label={t('host.memory')} /> },
    { label: t('host.disk'), value: <CapacityBar used={p.allocated.diskGib} total={p.capacity.diskGib} show={format.gib} label={t('host.disk')} /> },
  ] : [];
  return (
    <Container header={<Header variant="h2">{t('ui.overview')}</Header>}>
      <KeyValuePairs
        columns={3} minColumnWidth={200}
        items={[
          { label: t('hostPool.for'), value: <HostPoolFor pool={p} /> },
          { label: t('hostPool.cpu'), value: t('hostPool.times', { ratio: format.number(p.cpuOvercommit) }) },
          { label: t('hostPool.memory'), value: t('hostPool.times', { ratio: format.quantity(p.memoryOvercommit) }) },
          ...room,
        ]}
      />
    </Container>
  );
}

/** The hosts that are in it, for those who see hosts. */
function Hosts({ pool }: { pool: HostPool }): ReactNode {
  const t = useText();
  const format = useFormat();
  const all = useAll([hosts.key], hosts.list);
  return (
    <ShortTable
      title={t('hostPool.hosts')} items={all.data?.filter((h) => h.hostPool.id === pool.id)} error={all.error} empty={t('hostPool.hostsEmpty')} labelOf={(h) => h.name}
      columns={[
        { id: 'name', header: t('ui.name'), isRowHeader: true, minWidth: 140, cell: (h) => <RouteLink to={`/hosts/${h.id}`}>{h.name}</RouteLink> },
        { id: 'state', header: t('ui.state'), minWidth: 140, cell: (h) => <HostState host={h} /> },
        { id: 'instances', header: t('host.instances'), minWidth: 120, cell: (h) => format.number(h.instances) },
        { id: 'labels', header: t('hostPool.labels'), minWidth: 200, cell: (h) => <TagList tags={h.labels} /> },
      ]}
    />
  );
}
