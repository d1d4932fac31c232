import Button from '@cloudscape-design/components/button';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { useState, type ReactNode } from 'react';
import { useNavigate } from 'react-router';
import { usePages } from '../api/pages';
import type { SecurityGroup } from '../api/types';
import { useFormat } from '../i18n/format';
import { useText } from '../i18n/text';
import { useMay } from '../session/permissions';
import { DeleteDialog } from '../ui/DeleteDialog';
import { TextField } from '../ui/fields';
import { FormDialog } from '../ui/FormDialog';
import { Page } from '../ui/Page';
import { ResourceTable } from '../ui/ResourceTable';
import { RouteLink } from '../ui/RouteLink';
import { name, violations } from '../ui/rules';
import { useTableLook } from '../ui/tableLook';
import { useForm } from '../ui/useForm';
import { WriteButton } from '../ui/WriteButton';
import { securityGroups } from './securityGroups';

export function SecurityGroupsPage(): ReactNode {
  const t = useText();
  const format = useFormat();
  const may = useMay();
  const look = useTableLook('security-groups');
  const pages = usePages([securityGroups.key], look.pageSize, securityGroups.list);
  const [selected, select] = useState<SecurityGroup[]>([]);
  const [dialog, setDialog] = useState<'create' | 'delete' | null>(null);
  const close = () => setDialog(null);
  const create = <WriteButton needs="security-groups:write" variant="primary" onClick={() => setDialog('create')} data-testid="create-security-group">{t('securityGroup.create')}</WriteButton>;
  return (
    <Page trail={[{ text: t('securityGroup.title'), href: '/security-groups' }]}>
      <ResourceTable
        title={t('securityGroup.title')} description={t('securityGroup.about')} pages={pages} look={look} selected={selected} select={select} labelOf={(g) => g.name} empty={t('securityGroup.empty')} emptyAction={create}
        columns={[
          { id: 'name', header: t('ui.name'), cell: (g) => <RouteLink to={`/security-groups/${g.id}`}>{g.name}</RouteLink>, isRowHeader: true, width: 220 },
          { id: 'id', header: t('ui.id'), cell: (g) => <code>{g.id}</code>, width: 220 },
          { id: 'description', header: t('ui.description'), cell: (g) => g.description || '-', width: 320 },
          { id: 'rules', header: t('securityGroup.rules'), cell: (g) => format.number(g.rules.length), width: 110 },
          { id: 'created', header: t('ui.created'), cell: (g) => format.dateTime(g.createdAt), width: 235 },
        ]}
        actions={<SpaceBetween direction="horizontal" size="xs"><Button disabled={selected.length === 0 || !may('security-groups:write')} onClick={() => setDialog('delete')}>{t('ui.delete')}</Button>{create}</SpaceBetween>}
      />
      {dialog === 'create' && <CreateDialog close={close} />}
      {dialog === 'delete' && <DeleteDialog items={selected} stale={[securityGroups.key]} remove={securityGroups.remove} close={close} done={() => select([])} />}
    </Page>
  );
}

function CreateDialog({ close }: { close: () => void }): ReactNode {
  const t = useText();
  const navigate = useNavigate();
  const form = useForm({
    initial: { name: '', description: '' }, check: (v) => violations(['name', name(v.name)]),
    send: (v) => securityGroups.create({ name: v.name, description: v.description === '' ? null : v.description, rules: null }),
    done: (made) => void navigate(`/security-groups/${made.id}`),
  });
  return (
    <FormDialog title={t('securityGroup.create')} action={t('ui.create')} form={form} close={close}>
      <TextField form={form} field="name" label={t('ui.name')} autoFocus />
      <TextField form={form} field="description" label={t('ui.description')} optional stretch />
    </FormDialog>
  );
}
