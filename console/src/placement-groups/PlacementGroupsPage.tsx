import Button from '@cloudscape-design/components/button';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { useState, type ReactNode } from 'react';
import { usePages } from '../api/pages';
import type { PlacementGroup } from '../api/types';
import { useFormat } from '../i18n/format';
import { useText } from '../i18n/text';
import { useMay } from '../session/permissions';
import { DeleteDialog } from '../ui/DeleteDialog';
import { Page } from '../ui/Page';
import { ResourceTable } from '../ui/ResourceTable';
import { useTableLook } from '../ui/tableLook';
import { WriteButton } from '../ui/WriteButton';
import { CreatePlacementGroupDialog } from './CreatePlacementGroupDialog';
import { placementGroups } from './placementGroups';

export function PlacementGroupsPage(): ReactNode {
  const t = useText();
  const format = useFormat();
  const may = useMay();
  const look = useTableLook('placement-groups', ['id']);
  const pages = usePages([placementGroups.key], look.pageSize, placementGroups.list);
  const [selected, select] = useState<PlacementGroup[]>([]);
  const [dialog, setDialog] = useState<'create' | 'delete' | null>(null);
  const close = () => setDialog(null);
  const create = <WriteButton needs="placement-groups:write" variant="primary" onClick={() => setDialog('create')} data-testid="create-placement-group">{t('placementGroup.create')}</WriteButton>;
  return (
    <Page trail={[{ text: t('placementGroup.title'), href: '/placement-groups' }]}>
      <ResourceTable
        title={t('placementGroup.title')} description={t('placementGroup.about')} pages={pages} look={look} selected={selected} select={select} labelOf={(g) => g.name} empty={t('placementGroup.empty')} emptyAction={create}
        columns={[
          { id: 'name', header: t('ui.name'), cell: (g) => g.name, isRowHeader: true, width: 200 },
          { id: 'id', header: t('ui.id'), cell: (g) => <code>{g.id}</code>, width: 220 },
          { id: 'policy', header: t('placementGroup.policy'), cell: (g) => g.policy, width: 200 },
          { id: 'instances', header: t('placementGroup.instances'), cell: (g) => format.number(g.instances), width: 140 },
          { id: 'created', header: t('ui.created'), cell: (g) => format.dateTime(g.createdAt), width: 235 },
        ]}
        actions={<SpaceBetween direction="horizontal" size="xs"><Button disabled={selected.length === 0 || !may('placement-groups:write')} onClick={() => setDialog('delete')}>{t('ui.delete')}</Button>{create}</SpaceBetween>}
      />
      {dialog === 'create' && <CreatePlacementGroupDialog close={close} created={pages.refresh} />}
      {dialog === 'delete' && <DeleteDialog items={selected} stale={[placementGroups.key]} remove={placementGroups.remove} close={close} done={() => select([])} />}
    </Page>
  );
}
