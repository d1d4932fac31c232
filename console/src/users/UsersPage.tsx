import SpaceBetween from '@cloudscape-design/components/space-between';
import StatusIndicator from '@cloudscape-design/components/status-indicator';
import { useState, type ReactNode } from 'react';
import { usePages } from '../api/pages';
import { useStale } from '../api/stale';
import type { User } from '../api/types';
import { useFormat } from '../i18n/format';
import { useText } from '../i18n/text';
import { MemberDialog } from '../members/MemberDialog';
import { accountMembers, staleWithMembers } from '../members/members';
import { RoleName } from '../roles/RoleName';
import { session } from '../session/session';
import { ConfirmDialog } from '../ui/ConfirmDialog';
import { DeleteDialog } from '../ui/DeleteDialog';
import { notify } from '../ui/notices';
import { Page } from '../ui/Page';
import { ResourceTable } from '../ui/ResourceTable';
import { useStore } from '../ui/store';
import { useTableLook } from '../ui/tableLook';
import { WriteButton } from '../ui/WriteButton';
import { CreateUserDialog } from './CreateUserDialog';
import { SetPasswordDialog } from './SetPasswordDialog';
import { users } from './users';

type Dialog = 'create' | 'delete' | 'set-password' | 'disable' | 'enable' | 'role';

export function UsersPage(): ReactNode {
  const t = useText();
  const format = useFormat();
  const stale = useStale();
  const { self } = useStore(session);
  const look = useTableLook('users', ['id']);
  const pages = usePages([users.key], look.pageSize, users.list);
  const [chosen, choose] = useState<readonly string[]>([]);
  const [dialog, setDialog] = useState<Dialog | null>(null);
  const selected = pages.items.filter((u) => chosen.includes(u.id));
  const [only] = selected.length === 1 ? selected : [];
  const close = () => setDialog(null);
  const other = only !== undefined && only.id !== self?.id;
  const turn = async (user: User, disabled: boolean) => {
    await users.update(user.id, { password: null, disabled });
    notify({ type: 'success', saying: { key: disabled ? 'user.disabledNotice' : 'user.enabledNotice', values: { name: user.name } } });
    stale(staleWithMembers);
  };
  const button = (which: Dialog, text: string, enabled: boolean, needs: 'users:write' | 'members:write' = 'users:write') => <WriteButton needs={needs} disabled={!enabled} onClick={() => setDialog(which)} data-testid={`user-${which}`}>{text}</WriteButton>;
  return (
    <Page trail={[{ text: t('user.title'), href: '/users' }]}>
      <ResourceTable
        title={t('user.title')} description={t('user.about')} pages={pages} look={look} selected={selected} select={(items) => choose(items.map((u) => u.id))} labelOf={(u) => u.name} empty={t('user.empty')}
        columns={[
          { id: 'name', header: t('ui.name'), isRowHeader: true, width: 220, cell: (u) => (u.id === self?.id ? <>{u.name} <span className="kumoi-optional">({t('member.you')})</span></> : u.name) },
          { id: 'id', header: t('ui.id'), cell: (u) => <code>{u.id}</code>, width: 220 },
          { id: 'state', header: t('ui.state'), width: 160, cell: (u) => <span data-testid="user-state" data-state={u.disabled ? 'disabled' : 'enabled'}><StatusIndicator type={u.disabled ? 'stopped' : 'success'}>{t(u.disabled ? 'user.disabled' : 'user.enabled')}</StatusIndicator></span> },
          { id: 'role', header: t('role.one'), cell: (u) => <RoleName name={u.role} />, width: 190 },
          { id: 'created', header: t('ui.created'), cell: (u) => format.dateTime(u.createdAt), width: 235 },
        ]}
        actions={
          <SpaceBetween direction="horizontal" size="xs">
            {button('delete', t('ui.delete'), selected.length > 0 && selected.every((u) => u.id !== self?.id))}
            {only?.disabled === true ? button('enable', t('user.enable'), true) : button('disable', t('user.disable'), other)}
            {button('set-password', t('user.setPassword'), other)}
            {button('role', t('member.change'), only !== undefined, 'members:write')}
            <WriteButton needs="users:write" variant="primary" onClick={() => setDialog('create')} data-testid="create-user">{t('user.create')}</WriteButton>
          </SpaceBetween>
        }
      />
      {dialog === 'create' && <CreateUserDialog close={close} created={() => stale(staleWithMembers)} />}
      {dialog === 'delete' && <DeleteDialog items={selected} stale={staleWithMembers} remove={users.remove} close={close} done={() => choose([])}>{t('user.deleteBody')}</DeleteDialog>}
      {dialog === 'set-password' && only && <SetPasswordDialog user={only} close={close} />}
      {dialog === 'role' && only && <MemberDialog members={accountMembers} place="account" of={{ user: only, role: only.role }} close={close} />}
      {(dialog === 'disable' || dialog === 'enable') && only && (
        <ConfirmDialog title={t(dialog === 'disable' ? 'user.disableTitle' : 'user.enableTitle', { name: only.name })} action={t(`user.${dialog}`)} typed={null} run={() => turn(only, dialog === 'disable')} close={close}>
          {t(dialog === 'disable' ? 'user.disableBody' : 'user.enableBody')}
        </ConfirmDialog>
      )}
    </Page>
  );
}
