import Button from '@cloudscape-design/components/button';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { useState, type ReactNode } from 'react';
import { usePages } from '../api/pages';
import type { User } from '../api/types';
import { useFormat } from '../i18n/format';
import { useText } from '../i18n/text';
import { DeleteDialog } from '../ui/DeleteDialog';
import { Page } from '../ui/Page';
import { ResourceTable } from '../ui/ResourceTable';
import { useTableLook } from '../ui/tableLook';
import { CreateUserDialog } from './CreateUserDialog';
import { users } from './users';

export function UsersPage(): ReactNode {
  const t = useText();
  const format = useFormat();
  const look = useTableLook('users');
  const pages = usePages([users.key], look.pageSize, users.list);
  const [selected, select] = useState<User[]>([]);
  const [dialog, setDialog] = useState<'create' | 'delete' | null>(null);
  const close = () => setDialog(null);
  return (
    <Page trail={[{ text: t('user.title'), href: '/users' }]}>
      <ResourceTable
        title={t('user.title')} description={t('user.about')} pages={pages} look={look} selected={selected} select={select} labelOf={(u) => u.name} empty={t('user.empty')}
        columns={[
          { id: 'name', header: t('ui.name'), cell: (u) => u.name, isRowHeader: true, width: 220 },
          { id: 'id', header: t('ui.id'), cell: (u) => <code>{u.id}</code>, width: 220 },
          { id: 'role', header: t('user.role'), cell: (u) => t.word('user.role', u.role), width: 130 },
          { id: 'account', header: t('user.account'), cell: (u) => u.account.name, width: 180 },
          { id: 'created', header: t('ui.created'), cell: (u) => format.dateTime(u.createdAt), width: 235 },
        ]}
        actions={
          <SpaceBetween direction="horizontal" size="xs">
            <Button disabled={selected.length === 0} onClick={() => setDialog('delete')}>{t('ui.delete')}</Button>
            <Button variant="primary" onClick={() => setDialog('create')} data-testid="create-user">{t('user.create')}</Button>
          </SpaceBetween>
        }
      />
      {dialog === 'create' && <CreateUserDialog close={close} created={pages.refresh} />}
      {dialog === 'delete' && <DeleteDialog items={selected} stale={[users.key]} remove={users.remove} close={close} done={() => select([])} />}
    </Page>
  );
}
