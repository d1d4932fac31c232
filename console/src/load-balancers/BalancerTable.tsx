import type { ReactNode } from 'react';
import { useNavigate } from 'react-router';
import { useAll } from '../api/pages';
import type { Network } from '../api/types';
import { useText } from '../i18n/text';
import { ResourceLink } from '../ui/ResourceLink';
import { ShortTable } from '../ui/ShortTable';
import { WriteButton } from '../ui/WriteButton';
import { HealthCount } from './Health';
import { balancerAddresses, listenerName, loadBalancers, membersOf } from './loadBalancers';

/** The load balancers of a network. */
export function BalancerTable({ network }: { network: Network }): ReactNode {
  const t = useText();
  const navigate = useNavigate();
  const all = useAll([loadBalancers.key], loadBalancers.list);
  const addresses = (list: readonly string[]) => (list.length === 0 ? '-' : list.map((a) => <div key={a}><code className="kumoi-whole">{a}</code></div>));
  return (
    <ShortTable
      title={t('balancer.title')} items={all.data?.filter((b) => b.network.id === network.id)} error={all.error} empty={t('balancer.emptyNetwork')} labelOf={(b) => b.name}
      columns={[
        { id: 'name', header: t('ui.name'), cell: (b) => <ResourceLink {...b} />, isRowHeader: true },
        { id: 'address', header: t('instance.address'), cell: (b) => addresses(balancerAddresses(b)) },
        { id: 'floating', header: t('instance.floatingAddress'), cell: (b) => addresses(b.floatingAddresses) },
        { id: 'listeners', header: t('balancer.listeners'), cell: (b) => b.listeners.map(listenerName).join(', ') || '-' },
        { id: 'health', header: t('balancer.members'), cell: (b) => <HealthCount members={membersOf(b)} /> },
      ]}
      actions={[<WriteButton needs="load-balancers:write" key="create" onClick={() => void navigate(`/load-balancers/create?network=${network.id}`)} data-testid="network-create-balancer">{t('balancer.create')}</WriteButton>]}
    />
  );
}
