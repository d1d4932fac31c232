import Badge from '@cloudscape-design/components/badge';
import Button from '@cloudscape-design/components/button';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { useState, type ReactNode } from 'react';
import { usePages } from '../api/pages';
import type { Role } from '../api/types';
import { useFormat } from '../i18n/format';
import { useText } from '../i18n/text';
import { useMay } from '../session/permissions';
import { DeleteDialog } from '../ui/DeleteDialog';
import { Page } from '../ui/Page';
import { ResourceTable } from '../ui/ResourceTable';
import { useTableLook } from '../ui/tableLook';
import { RoleDialog } from './RoleDialog';
import { RoleName } from './RoleName';
import { roles } from './roles';
import { ShowRole } from './ShowRole';

type Asked = { what: 'create'; from: Role | null } | { what: 'change' | 'show' | 'delete'; role: Role };

export function RolesPage(): ReactNode {
  const t = useText();
  const format = useFormat();
  const may = useMay();
  const look = useTableLook('roles', ['id']);
  const pages = usePages([roles.key], look.pageSize, roles.list);
  const [selected, select] = useState<Role[]>([]);
  const [asked, ask] = useState<Asked | null>(null);
  const close = () => ask(null);
  const [only] = selected.length === 1 ? selected : [];
  const mine = (role: Role) => !role.builtIn && (role.domain === null ? may('roles:write') : may('roles:write', 'domain'));
  const makes = may('roles:write') || may('roles:write', 'domain');
  return (
    <Page trail={[{ text: t('role.title'), href: '/roles' }]}>
      <ResourceTable
        title={t('role.title')} description={t('role.aboutPage')} pages={pages} look={look} selected={selected} select={select} labelOf={(r) => r.name} empty={t('role.empty')}
        columns={[
          { id: 'name', header: t('ui.name'), isRowHeader: true, width: 230, cell: (r) => <Button variant="inline-link" onClick={() => ask({ what: 'show', role: r })} data-testid="role-show"><RoleName name={r.name} /></Button> },
          { id: 'id', header: t('ui.id'), cell: (r) => <code>{r.id}</code>, width: 230 },
          { id: 'of', header: t('role.of'), width: 200, cell: (r) => (r.builtIn ? <Badge>{t('role.builtIn')}</Badge> : r.domain !== null ? t('role.ofDomain', { name: r.domain.name }) : t('role.ofAccount', { name: r.account?.name ?? '' })) },
          { id: 'description', header: t('ui.description'), cell: (r) => (r.builtIn ? t.word('role.about', r.name) : r.description || '-'), width: 380 },
          { id: 'permissions', header: t('role.permissions'), cell: (r) => <code>{r.permissions.join(' ')}</code>, width: 320 },
          { id: 'created', header: t('ui.created'), cell: (r) => (r.builtIn ? '-' : format.dateTime(r.createdAt)), width: 220 },
        ]}
        actions={makes && (
          <SpaceBetween direction="horizontal" size="xs">
            <Button disabled={selected.length === 0 || !selected.every(mine)} onClick={() => only && ask({ what: 'delete', role: only })} data-testid="role-delete">{t('ui.delete')}</Button>
            <Button disabled={only === undefined || !mine(only)} onClick={() => only && ask({ what: 'change', role: only })} data-testid="role-change">{t('role.change')}</Button>
            <Button disabled={only === undefined} onClick={() => only && ask({ what: 'create', from: only })} data-testid="role-copy">{t('role.copy')}</Button>
            <Button variant="primary" onClick={() => ask({ what: 'create', from: null })} data-testid="create-role">{t('role.create')}</Button>
          </SpaceBetween>
        )}
      />
      {asked?.what === 'create' && <RoleDialog role={null} from={asked.from} close={close} done={pages.refresh} />}
      {asked?.what === 'change' && <RoleDialog role={asked.role} from={asked.role} close={close} done={() => { select([]); pages.refresh(); }} />}
      {asked?.what === 'show' && <ShowRole role={asked.role} close={close} />}
      {asked?.what === 'delete' && <DeleteDialog items={selected} stale={[roles.key]} remove={roles.remove} close={close} done={() => select([])}>{t('role.deleteBody')}</DeleteDialog>}
    </Page>
  );
}
