import Button from '@cloudscape-design/components/button';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { useState, type ReactNode } from 'react';
import { usePages } from '../api/pages';
import type { VlanRange } from '../api/types';
import { useFormat } from '../i18n/format';
import { useText } from '../i18n/text';
import { vlansText } from '../networks/segment';
import { useMay } from '../session/permissions';
import { DeleteDialog } from '../ui/DeleteDialog';
import { Page } from '../ui/Page';
import { ResourceTable } from '../ui/ResourceTable';
import { useTableLook } from '../ui/tableLook';
import { WriteButton } from '../ui/WriteButton';
import { CreateVlanRangeDialog } from './CreateVlanRangeDialog';
import { vlanRanges } from './vlanRanges';

export function VlanRangesPage(): ReactNode {
  const t = useText();
  const format = useFormat();
  const may = useMay();
  const look = useTableLook('vlan-ranges');
  const pages = usePages([vlanRanges.key], look.pageSize, vlanRanges.list);
  const [selected, select] = useState<VlanRange[]>([]);
  const [dialog, setDialog] = useState<'create' | 'delete' | null>(null);
  const close = () => setDialog(null);
  const nameOf = (r: VlanRange) => `${r.device} ${vlansText(r)}`;
  const create = may('vlan-ranges:write', 'cloud') && <WriteButton needs="vlan-ranges:write" reach="cloud" variant="primary" onClick={() => setDialog('create')} data-testid="create-vlan-range">{t('vlanRange.create')}</WriteButton>;
  return (
    <Page trail={[{ text: t('vlanRange.title'), href: '/vlan-ranges' }]}>
      <ResourceTable
        title={t('vlanRange.title')} description={t('vlanRange.about')} pages={pages} look={look} selected={selected} select={select} labelOf={nameOf} empty={t('vlanRange.empty')} emptyAction={create}
        columns={[
          { id: 'vlans', header: t('vlanRange.vlans'), cell: vlansText, isRowHeader: true, width: 150 },
          { id: 'device', header: t('vlanRange.device'), cell: (r) => <code>{r.device}</code>, width: 170 },
          { id: 'account', header: t('vlanRange.account'), cell: (r) => r.account.name, width: 220 },
          { id: 'id', header: t('ui.id'), cell: (r) => <code>{r.id}</code>, width: 220 },
          { id: 'created', header: t('ui.created'), cell: (r) => format.dateTime(r.createdAt), width: 235 },
        ]}
        actions={may('vlan-ranges:write', 'cloud') && (
          <SpaceBetween direction="horizontal" size="xs">
            <Button disabled={selected.length === 0 || !may('vlan-ranges:write', 'cloud')} onClick={() => setDialog('delete')} data-testid="delete-vlan-range">{t('ui.delete')}</Button>
            {create}
          </SpaceBetween>
        )}
      />
      {dialog === 'create' && <CreateVlanRangeDialog close={close} created={pages.refresh} />}
      {dialog === 'delete' && (
        <DeleteDialog items={selected.map((r) => ({ id: r.id, name: nameOf(r) }))} stale={[vlanRanges.key]} remove={vlanRanges.remove} close={close} done={() => select([])}>{t('vlanRange.deleteBody')}</DeleteDialog>
      )}
    </Page>
  );
}
