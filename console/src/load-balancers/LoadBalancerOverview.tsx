import Button from '@cloudscape-design/components/button';
import Container from '@cloudscape-design/components/container';
import Header from '@cloudscape-design/components/header';
import KeyValuePairs from '@cloudscape-design/components/key-value-pairs';
import { useState, type ReactNode } from 'react';
import { useAll } from '../api/pages';
import type { LoadBalancer } from '../api/types';
import { floatingAddresses } from '../floating-addresses/floatingAddresses';
import { DisassociateDialog } from '../floating-addresses/DisassociateDialog';
import { useFormat } from '../i18n/format';
import { useText } from '../i18n/text';
import { useMay } from '../session/permissions';
import { traceTo } from '../traces/traces';
import { Copy } from '../ui/Copy';
import { ResourceLink } from '../ui/ResourceLink';
import { RouteLink } from '../ui/RouteLink';
import { HealthCount } from './Health';
import { balancerAddresses, membersOf } from './loadBalancers';

export function LoadBalancerOverview({ balancer: b, changed }: { balancer: LoadBalancer; changed: () => void }): ReactNode {
  const t = useText();
  const format = useFormat();
  const may = useMay();
  const [leaving, setLeaving] = useState<string | null>(null);
  const sum = (figure: 'active' | 'connections') => b.listeners.reduce((all, l) => all + l.traffic[figure], 0);
  return (
    <Container header={<Header variant="h2" description={<RouteLink to={traceTo({ to: b.name, ...(b.listeners[0] === undefined ? {} : { port: String(b.listeners[0].port) }) })}>{t('trace.link')}</RouteLink>}>{t('ui.overview')}</Header>}>
      <KeyValuePairs
        columns={4} minColumnWidth={190}
        items={[
          { label: t('instance.network'), value: <ResourceLink {...b.network} /> },
          { label: t('instance.address'), value: balancerAddresses(b).map((a) => <div key={a}><Copy text={a} /></div>) },
          {
            label: t('instance.floatingAddress'),
            value: b.floatingAddresses.length === 0 ? t('balancer.insideOnly') : b.floatingAddresses.map((a) => (
              <div key={a} data-testid="balancer-floating">
                <Copy text={a} /> {may('floating-addresses:write') && <Button variant="inline-link" onClick={() => setLeaving(a)} ariaLabel={t('floatingAddress.disassociateTitle', { address: a })} data-testid="balancer-disassociate">{t('floatingAddress.disassociate')}</Button>}
              </div>
            )),
          },
          { label: t('balancer.health'), value: <HealthCount members={membersOf(b)} /> },
          { label: t('balancer.activeAll'), value: <span data-testid="balancer-active">{format.number(sum('active'))}</span> },
          { label: t('balancer.connectionsAll'), value: format.number(sum('connections')) },
          { label: t('ui.created'), value: format.dateTime(b.createdAt) },
        ]}
      />
      {leaving !== null && <Disassociate address={leaving} close={() => setLeaving(null)} done={changed} />}
    </Container>
  );
}

/** A load balancer tells its floating addresses, not their ids. */
function Disassociate({ address, close, done }: { address: string; close: () => void; done: () => void }): ReactNode {
  const all = useAll([floatingAddresses.key], floatingAddresses.list);
  const found = all.data?.find((a) => a.address === address);
  return found === undefined ? null : <DisassociateDialog address={found} close={close} done={done} />;
}
