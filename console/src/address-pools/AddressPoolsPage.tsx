import Button from '@cloudscape-design/components/button';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { useState, type ReactNode } from 'react';
import { usePages } from '../api/pages';
import type { AddressPool } from '../api/types';
import { useFormat } from '../i18n/format';
import { useText } from '../i18n/text';
import { useMay } from '../session/permissions';
import { DeleteDialog } from '../ui/DeleteDialog';
import { Page } from '../ui/Page';
import { ResourceTable } from '../ui/ResourceTable';
import { useTableLook } from '../ui/tableLook';
import { addressPools, reservedText } from './addressPools';
import { PoolDialog } from './PoolDialog';

export function AddressPoolsPage(): ReactNode {
  const t = useText();
  const format = useFormat();
  const may = useMay();
  const look = useTableLook('address-pools', ['id', 'reserved']);
  const pages = usePages([addressPools.key], look.pageSize, addressPools.list);
  const [selected, select] = useState<AddressPool[]>([]);
  const [dialog, setDialog] = useState<'create' | 'edit' | 'delete' | null>(null);
  const close = () => setDialog(null);
  const only = selected.length === 1 ? pages.items.find((p) => p.id === selected[0]?.id) : undefined;
  return (
    <Page trail={[{ text: t('addressPool.title'), href: '/address-pools' }]}>
      <ResourceTable
        title={t('addressPool.title')} description={t('addressPool.about')} pages={pages} look={look} selected={selected} select={select} labelOf={(p) => p.name} empty={t('addressPool.empty')}
        columns={[
          { id: 'name', header: t('ui.name'), cell: (p) => p.name, isRowHeader: true, width: 150 },
          { id: 'id', header: t('ui.id'), cell: (p) => <code>{p.id}</code>, width: 220 },
          { id: 'ranges', header: t('addressPool.ranges'), cell: (p) => <code>{p.ranges.join(', ')}</code>, width: 220 },
          { id: 'excluded', header: t('addressPool.excluded'), cell: (p) => (p.excluded.length === 0 ? '-' : <code>{p.excluded.join(', ')}</code>), width: 190 },
          { id: 'reserved', header: t('addressPool.reserved'), cell: (p) => p.reserved.map(reservedText).join(', ') || '-', width: 200 },
          { id: 'accounts', header: t('account.title'), cell: (p) => p.accounts?.map((a) => a.name).join(', ') ?? t('account.all'), width: 190 },
          { id: 'used', header: t('addressPool.used'), cell: (p) => format.number(p.used), width: 110 },
          { id: 'free', header: t('addressPool.free'), cell: (p) => format.number(p.free), width: 110 },
          { id: 'description', header: t('ui.description'), cell: (p) => p.description || '-', width: 220 },
        ]}
        actions={may('address-pools:write', 'cloud') && (
          <SpaceBetween direction="horizontal" size="xs">
            <Button disabled={selected.length === 0} onClick={() => setDialog('delete')}>{t('ui.delete')}</Button>
            <Button disabled={only === undefined} onClick={() => setDialog('edit')} data-testid="edit-pool">{t('addressPool.edit')}</Button>
            <Button variant="primary" onClick={() => setDialog('create')} data-testid="create-pool">{t('addressPool.create')}</Button>
          </SpaceBetween>
        )}
      />
      {dialog === 'create' && <PoolDialog close={close} done={pages.refresh} />}
      {dialog === 'edit' && only && <PoolDialog pool={only} close={close} done={pages.refresh} />}
      {dialog === 'delete' && <DeleteDialog items={selected} stale={[addressPools.key]} remove={addressPools.remove} close={close} done={() => select([])} />}
    </Page>
  );
}
