import Box from '@cloudscape-design/components/box';
import { useState, type ReactNode } from 'react';
import type { LoadBalancer, LoadBalancerListener } from '../api/types';
import { useFormat } from '../i18n/format';
import { useText } from '../i18n/text';
import { DeleteDialog } from '../ui/DeleteDialog';
import { ShortTable } from '../ui/ShortTable';
import { WriteButton } from '../ui/WriteButton';
import { CertificateCell } from './CertificateCell';
import { HealthCount } from './Health';
import { ListenerDialog } from './ListenerDialog';
import { listenerName, loadBalancers } from './loadBalancers';

type Dialog = 'add' | 'edit' | 'remove';

/** The listeners of a load balancer, and what has passed each. */
export function ListenerTable({ balancer, changed }: { balancer: LoadBalancer; changed: () => void }): ReactNode {
  const t = useText();
  const format = useFormat();
  const [chosen, choose] = useState<string | null>(null);
  const selected = balancer.listeners.find((l) => l.id === chosen);
  const [dialog, setDialog] = useState<Dialog | null>(null);
  const close = () => setDialog(null);
  const count = (value: number) => <span className="kumoi-whole">{format.number(value)}</span>;
  const bytes = (value: number) => <span className="kumoi-whole">{format.bytes(value)}</span>;
  return (
    <>
      <ShortTable
        title={t('balancer.listeners')} items={balancer.listeners} empty={t('balancer.listenersEmpty')} selected={selected} select={(l) => choose(l?.id ?? null)} labelOf={listenerName}
        columns={[
          { id: 'listener', header: t('balancer.listener'), cell: (l) => <span className="kumoi-whole">{listenerName(l)}</span>, isRowHeader: true, minWidth: 105 },
          { id: 'algorithm', header: t('balancer.algorithm'), cell: (l) => <Settings listener={l} />, minWidth: 125 },
          { id: 'check', header: t('balancer.check'), cell: (l) => <Check listener={l} />, minWidth: 135 },
          ...(balancer.listeners.some((l) => l.certificate !== null) ? [{ id: 'certificate', header: t('balancer.certificate'), cell: (l: LoadBalancerListener) => <CertificateCell certificate={l.certificate} />, minWidth: 150 }] : []),
          { id: 'health', header: t('balancer.members'), cell: (l) => <HealthCount members={l.members} />, minWidth: 150 },
          { id: 'active', header: t('balancer.active'), cell: (l) => count(l.traffic.active), minWidth: 75 },
          { id: 'connections', header: t('balancer.connections'), cell: (l) => count(l.traffic.connections), minWidth: 110 },
          { id: 'in', header: t('balancer.bytesIn'), cell: (l) => bytes(l.traffic.bytesIn), minWidth: 90 },
          { id: 'out', header: t('balancer.bytesOut'), cell: (l) => bytes(l.traffic.bytesOut), minWidth: 90 },
        ]}
        actions={[
          <WriteButton needs="load-balancers:write" key="remove" disabled={selected === undefined} onClick={() => setDialog('remove')} data-testid="listener-remove">{t('balancer.remove')}</WriteButton>,
          <WriteButton needs="load-balancers:write" key="edit" disabled={selected === undefined} onClick={() => setDialog('edit')} data-testid="listener-edit">{t('network.editDo')}</WriteButton>,
          <WriteButton needs="load-balancers:write" key="add" onClick={() => setDialog('add')} data-testid="listener-add">{t('balancer.listenerAdd')}</WriteButton>,
        ]}
      />
      {dialog === 'add' && <ListenerDialog balancer={balancer} close={close} done={changed} />}
      {dialog === 'edit' && selected && <ListenerDialog balancer={balancer} listener={selected} close={close} done={changed} />}
      {dialog === 'remove' && selected && (
        <DeleteDialog items={[{ id: selected.id, name: listenerName(selected) }]} stale={[loadBalancers.key]} remove={(id) => loadBalancers.removeListener(balancer.id, id)} close={close} done={changed}>
          {t('balancer.listenerRemoveBody')}
        </DeleteDialog>
      )}
    </>
  );
}

function Settings({ listener: l }: { listener: LoadBalancerListener }): ReactNode {
  const t = useText();
  const more = [...(l.stickiness === 'cookie' ? [t('balancer.cookieShort')] : []), ...(l.proxyProtocol ? [t('balancer.proxyShort')] : [])];
  return (
    <>
      {t.word('balancer.algorithm', l.algorithm)}
      {more.length > 0 && <Box fontSize="body-s" color="text-body-secondary">{more.join(', ')}</Box>}
    </>
  );
}

function Check({ listener: { healthCheck: c } }: { listener: LoadBalancerListener }): ReactNode {
  const t = useText();
  if (c.protocol === 'none') return t('ui.none');
  return (
    <>
      <span className="kumoi-anywhere">{c.protocol.toUpperCase()}{c.path !== null && <> <code>{c.path}</code></>}{c.port !== null && <> :{c.port}</>}</span>
      <Box fontSize="body-s" color="text-body-secondary">{t('balancer.checkRhythm', { interval: c.intervalSeconds, fall: c.fall })}</Box>
    </>
  );
}
