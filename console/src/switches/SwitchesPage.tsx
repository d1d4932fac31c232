import Button from '@cloudscape-design/components/button';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { useState, type ReactNode } from 'react';
import { useNavigate } from 'react-router';
import { usePages } from '../api/pages';
import type { Switch } from '../api/types';
import { useFormat } from '../i18n/format';
import { useText } from '../i18n/text';
import { useMay } from '../session/permissions';
import { DeleteDialog } from '../ui/DeleteDialog';
import { Page } from '../ui/Page';
import { ResourceLink } from '../ui/ResourceLink';
import { ResourceTable } from '../ui/ResourceTable';
import { useTableLook } from '../ui/tableLook';
import { WriteButton } from '../ui/WriteButton';
import { CreateSwitchDialog } from './CreateSwitchDialog';
import { switches } from './switches';
import { PortCount, SwitchState } from './SwitchState';

export function SwitchesPage(): ReactNode {
  const t = useText();
  const format = useFormat();
  const may = useMay();
  const navigate = useNavigate();
  const look = useTableLook('switches', ['id', 'created']);
  const pages = usePages([switches.key], look.pageSize, switches.list);
  const [selected, select] = useState<Switch[]>([]);
  const [dialog, setDialog] = useState<'create' | 'delete' | null>(null);
  const close = () => setDialog(null);
  const create = may('switches:write', 'cloud') && <WriteButton needs="switches:write" reach="cloud" variant="primary" onClick={() => setDialog('create')} data-testid="create-switch">{t('switch.create')}</WriteButton>;
  return (
    <Page trail={[{ text: t('switch.title'), href: '/switches' }]}>
      <ResourceTable
        title={t('switch.title')} description={t('switch.about')} pages={pages} look={look} selected={selected} select={select} labelOf={(s) => s.name} empty={t('switch.empty')} emptyAction={create}
        columns={[
          { id: 'name', header: t('ui.name'), cell: (s) => <ResourceLink {...s} />, isRowHeader: true, width: 150 },
          { id: 'id', header: t('ui.id'), cell: (s) => <code>{s.id}</code>, width: 220 },
          { id: 'state', header: t('ui.state'), cell: (s) => <SwitchState of={s} />, width: 230 },
          { id: 'url', header: t('switch.url'), cell: (s) => <code>{s.url}</code>, width: 270 },
          { id: 'ports', header: t('switch.portsSet'), cell: (s) => <PortCount ports={s.ports} />, width: 190 },
          { id: 'checked', header: t('switch.checked'), cell: (s) => (s.checkedAt === null ? '-' : format.dateTime(s.checkedAt)), width: 200 },
          { id: 'created', header: t('ui.created'), cell: (s) => format.dateTime(s.createdAt), width: 235 },
        ]}
        actions={may('switches:write', 'cloud') && (
          <SpaceBetween direction="horizontal" size="xs">
            <Button disabled={selected.length === 0 || !may('switches:write', 'cloud')} onClick={() => setDialog('delete')}>{t('ui.delete')}</Button>
            {create}
          </SpaceBetween>
        )}
      />
      {dialog === 'create' && <CreateSwitchDialog close={close} created={(made) => { pages.refresh(); void navigate(`/switches/${made.id}`); }} />}
      {dialog === 'delete' && <DeleteDialog items={selected} stale={[switches.key]} remove={switches.remove} close={close} done={() => select([])}>{t('switch.deleteBody')}</DeleteDialog>}
    </Page>
  );
}
