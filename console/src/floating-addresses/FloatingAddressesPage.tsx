import Box from '@cloudscape-design/components/box';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { useQueryClient } from '@tanstack/react-query';
import { useState, type ReactNode } from 'react';
import { usePages } from '../api/pages';
import type { FloatingAddress } from '../api/types';
import { useFormat } from '../i18n/format';
import { useText } from '../i18n/text';
import { Copy } from '../ui/Copy';
import { DeleteDialog } from '../ui/DeleteDialog';
import { Page } from '../ui/Page';
import { ResourceLink } from '../ui/ResourceLink';
import { ResourceTable } from '../ui/ResourceTable';
import { useTableLook } from '../ui/tableLook';
import { WriteButton } from '../ui/WriteButton';
import { AllocateDialog } from './AllocateDialog';
import { AssociateDialog } from './AssociateDialog';
import { DisassociateDialog } from './DisassociateDialog';
import { floatingAddresses, staleWithAddresses, targetOf } from './floatingAddresses';

type Dialog = 'allocate' | 'associate' | 'disassociate' | 'release';

export function FloatingAddressesPage(): ReactNode {
  const t = useText();
  const format = useFormat();
  const queries = useQueryClient();
  const look = useTableLook('floating-addresses', ['id']);
  const pages = usePages([floatingAddresses.key], look.pageSize, floatingAddresses.list);
  const [chosen, choose] = useState<readonly string[]>([]);
  // Rows as they are now: an address that was just led elsewhere is not what it was when it was chosen.
  const selected = pages.items.filter((a) => chosen.includes(a.id));
  const [dialog, setDialog] = useState<Dialog | null>(null);
  const close = () => setDialog(null);
  const changed = () => void queries.invalidateQueries({ predicate: (q) => (staleWithAddresses as readonly string[]).includes(String(q.queryKey[0])) });
  const [only] = selected.length === 1 ? selected : [];
  const button = (which: Dialog, text: string, enabled: boolean) => <WriteButton needs="floating-addresses:write" disabled={!enabled} onClick={() => setDialog(which)} data-testid={`floating-${which}`}>{text}</WriteButton>;
  const allocate = <WriteButton needs="floating-addresses:write" variant="primary" onClick={() => setDialog('allocate')} data-testid="floating-allocate">{t('floatingAddress.allocate')}</WriteButton>;
  return (
    <Page trail={[{ text: t('floatingAddress.title'), href: '/floating-addresses' }]}>
      <ResourceTable
        title={t('floatingAddress.title')} description={t('floatingAddress.about')} pages={pages} look={look} selected={selected} select={(items) => choose(items.map((a) => a.id))} labelOf={(a) => a.address}
        empty={t('floatingAddress.empty')} emptyAction={allocate}
        columns={[
          { id: 'address', header: t('instance.address'), cell: (a) => <Copy text={a.address} />, isRowHeader: true, width: 180 },
          { id: 'id', header: t('ui.id'), cell: (a) => <code>{a.id}</code>, width: 220 },
          { id: 'target', header: t('floatingAddress.leadsTo'), cell: (a) => <Target of={a} />, width: 190 },
          { id: 'pool', header: t('floatingAddress.pool'), cell: (a) => a.pool?.name ?? '-', width: 130 },
          { id: 'kept', header: t('floatingAddress.lifetime'), cell: (a) => t(a.kept ? 'floatingAddress.kept' : 'floatingAddress.withInstance'), width: 230 },
          { id: 'description', header: t('ui.description'), cell: (a) => a.description || '-', width: 200 },
          { id: 'created', header: t('ui.created'), cell: (a) => format.dateTime(a.createdAt), width: 235 },
        ]}
        actions={
          <SpaceBetween direction="horizontal" size="xs">
            {button('associate', t(only !== undefined && targetOf(only) !== null ? 'floatingAddress.move' : 'floatingAddress.associate'), only !== undefined)}
            {button('disassociate', t('floatingAddress.disassociate'), only !== undefined && targetOf(only) !== null)}
            {button('release', t('floatingAddress.release'), selected.length > 0)}
            {allocate}
          </SpaceBetween>
        }
      />
      {dialog === 'allocate' && <AllocateDialog close={close} done={changed} />}
      {dialog === 'associate' && only && <AssociateDialog address={only} close={close} done={changed} />}
      {dialog === 'disassociate' && only && <DisassociateDialog address={only} close={close} done={changed} />}
      {dialog === 'release' && (
        <DeleteDialog items={selected.map((a) => ({ id: a.id, name: a.address }))} stale={staleWithAddresses} remove={floatingAddresses.release} close={close} done={() => choose([])}>
          {t('floatingAddress.releaseBody')}
        </DeleteDialog>
      )}
    </Page>
  );
}

function Target({ of }: { of: FloatingAddress }): ReactNode {
  const t = useText();
  if (of.instance !== null) return <ResourceLink {...of.instance} />;
  if (of.loadBalancer !== null) return <>{t('floatingAddress.loadBalancer')} <ResourceLink {...of.loadBalancer} /></>;
  if (of.network !== null) return <>{t('floatingAddress.forNetwork')} <ResourceLink {...of.network} /></>;
  return <Box color="text-status-inactive">{t('floatingAddress.nowhere')}</Box>;
}
