import Button from '@cloudscape-design/components/button';
import Container from '@cloudscape-design/components/container';
import Header from '@cloudscape-design/components/header';
import KeyValuePairs from '@cloudscape-design/components/key-value-pairs';
import SpaceBetween from '@cloudscape-design/components/space-between';
import Tabs from '@cloudscape-design/components/tabs';
import { useQuery } from '@tanstack/react-query';
import { useState, type ReactNode } from 'react';
import { useParams, useSearchParams } from 'react-router';
import { resyncMs } from '../api/pages';
import type { Network } from '../api/types';
import { EventTable } from '../events/EventTable';
import { useFormat } from '../i18n/format';
import { useText } from '../i18n/text';
import { InterfacesTab } from '../interfaces/InterfacesTab';
import { BalancerTable } from '../load-balancers/BalancerTable';
import { OfferedPeerings } from '../peerings/OfferedPeerings';
import { PeeringTable } from '../peerings/PeeringTable';
import { RouterTable } from '../routers/RouterTable';
import { Copy } from '../ui/Copy';
import { Loading } from '../ui/Loading';
import { Page } from '../ui/Page';
import { ProblemAlert } from '../ui/ProblemAlert';
import { WriteButton } from '../ui/WriteButton';
import { VpnTable } from '../vpns/VpnTable';
import { EditNetworkDialog } from './EditNetworkDialog';
import { isRouted, networks } from './networks';
import { OutsideTab } from './OutsideTab';
import { RoutesTab } from './RoutesTab';
import { dhcpIsOutside, outsideText, segmentText } from './segment';
import { SubnetsTab } from './SubnetsTab';

export function NetworkPage(): ReactNode {
  const t = useText();
  const id = useParams()['id'] ?? '';
  const [search, setSearch] = useSearchParams();
  const [editing, setEditing] = useState(false);
  const { data: network, error, isPending, refetch } = useQuery({ queryKey: [networks.key, 'one', id], queryFn: () => networks.get(id), refetchInterval: resyncMs });
  const trail = [{ text: t('network.title'), href: '/networks' }, { text: network?.name ?? id, href: `/networks/${id}` }];
  if (isPending) return <Page trail={trail}><Loading /></Page>;
  if (network === undefined) return <Page trail={trail}><ProblemAlert failure={error} /></Page>;
  const tabs = [
    { id: 'subnets', label: t('network.subnets'), content: <SubnetsTab network={network} /> },
    { id: 'interfaces', label: t('instance.interfaces'), content: <InterfacesTab network={network.id} /> },
    ...(isRouted(network) ? [
      { id: 'services', label: t('network.services'), content: <SpaceBetween size="l"><BalancerTable network={network} /><VpnTable network={network} /></SpaceBetween> },
      { id: 'connections', label: t('network.connections'), content: <SpaceBetween size="l"><RouterTable network={network} /><PeeringTable network={network} /></SpaceBetween> },
      { id: 'routes', label: t('route.title'), content: <RoutesTab network={network.id} /> },
      { id: 'outside', label: t('network.outsideTab'), content: <OutsideTab network={network} /> },
    ] : []),
    { id: 'events', label: t('instance.tab.events'), content: <EventTable within filters={{ resource: network.id }} /> },
  ];
  return (
    <Page trail={trail}>
      <SpaceBetween size="l">
        <Header
          variant="h1" description={<code>{network.id}</code>}
          actions={
            <SpaceBetween direction="horizontal" size="xs">
              <Button iconName="refresh" ariaLabel={t('ui.refresh')} onClick={() => void refetch()} />
              <WriteButton needs="networks:write" onClick={() => setEditing(true)} data-testid="edit-network">{t('network.editDo')}</WriteButton>
            </SpaceBetween>
          }
        >
          {network.name}
        </Header>
        <ProblemAlert failure={error} />
        <OfferedPeerings network={network.id} />
        <Overview network={network} />
        <Tabs
          activeTabId={tabs.find((tab) => tab.id === search.get('tab'))?.id ?? 'subnets'} onChange={(e) => setSearch({ tab: e.detail.activeTabId }, { replace: true })}
          tabs={tabs.map((tab) => ({ ...tab, label: <span data-testid={`tab-${tab.id}`}>{tab.label}</span> }))}
        />
      </SpaceBetween>
      {editing && <EditNetworkDialog network={network} close={() => setEditing(false)} />}
    </Page>
  );
}

function Overview({ network: n }: { network: Network }): ReactNode {
  const t = useText();
  const format = useFormat();
  const told = (text: string) => (dhcpIsOutside(n.segment) ? t('network.dhcpTells') : text);
  return (
    <Container header={<Header variant="h2" description={isRouted(n) ? undefined : t('network.bridgedWithout')}>{t('ui.overview')}</Header>}>
      <KeyValuePairs
        columns={4} minColumnWidth={190}
        items={[
          { label: t('network.cidr'), value: n.subnets.length === 0 ? '-' : n.subnets.map((s) => <div key={s.id}><code>{s.cidr}</code></div>) },
          { label: t('network.kind'), value: t(n.segment ? 'network.kind.bridged' : 'network.kind.private') },
          ...(n.segment ? [
            { label: t('network.segment'), value: segmentText(t, n.segment) },
            { label: t('network.dhcp'), value: t.word('network.dhcp', n.segment.dhcp) },
          ] : []),
          { label: t('network.outside'), value: outsideText(t, n) },
          { label: t('network.mtu'), value: t('network.mtuBytes', { bytes: format.number(n.mtu) }) },
          { label: t('network.domain'), value: <Copy text={n.domain} /> },
          { label: t('network.search'), value: told(n.searchDomains.join(', ') || t('network.searchOwn')) },
          { label: t('network.dns'), value: told([...new Set(n.subnets.flatMap((s) => s.dnsServers))].join(', ') || t('network.dnsGateway')) },
          { label: t('ui.created'), value: format.dateTime(n.createdAt) },
        ]}
      />
    </Container>
  );
}
