import SpaceBetween from '@cloudscape-design/components/space-between';
import { useState, type ReactNode } from 'react';
import { usePages } from '../api/pages';
import type { Membership } from '../api/types';
import { useFormat } from '../i18n/format';
import { useText } from '../i18n/text';
import { RoleName } from '../roles/RoleName';
import type { Place } from '../roles/roles';
import type { Reach } from '../session/permissions';
import { session } from '../session/session';
import { DeleteDialog } from '../ui/DeleteDialog';
import { ResourceTable } from '../ui/ResourceTable';
import { useStore } from '../ui/store';
import { useTableLook } from '../ui/tableLook';
import { WriteButton } from '../ui/WriteButton';
import { MemberDialog } from './MemberDialog';
import { staleWithMembers, type Members } from './members';

interface Props {
  members: Members;
  place: Place;
  title: string;
  description: string;
  within?: boolean;
}

/** Who has a role in an account or a domain: add, change, remove. */
export function MemberTable({ members, place, title, description, within = false }: Props): ReactNode {
  const t = useText();
  const format = useFormat();
  const { self } = useStore(session);
  const look = useTableLook('members', ['id']);
  const pages = usePages(members.key, look.pageSize, async (page) => {
    const got = await members.list(page);
    return { ...got, items: got.items.map((m) => ({ ...m, id: m.user.id })) };
  });
  const [chosen, choose] = useState<readonly string[]>([]);
  const [dialog, setDialog] = useState<'add' | 'change' | 'remove' | null>(null);
  const selected = pages.items.filter((m) => chosen.includes(m.id));
  const [only] = selected.length === 1 ? selected : [];
  const close = () => setDialog(null);
  const may = { needs: 'members:write', reach: (place === 'account' ? 'account' : 'domain') satisfies Reach } as const;
  return (
    <>
      <ResourceTable<Membership & { id: string }>
        title={title} description={description} within={within} pages={pages} look={look} selected={selected} select={(items) => choose(items.map((m) => m.id))} labelOf={(m) => m.user.name} empty={t('member.empty')}
        columns={[
          { id: 'name', header: t('member.user'), isRowHeader: true, width: 240, cell: (m) => (m.user.id === self?.id ? <>{m.user.name} <span className="kumoi-optional">({t('member.you')})</span></> : m.user.name) },
          { id: 'id', header: t('ui.id'), cell: (m) => <code>{m.user.id}</code>, width: 230 },
          { id: 'role', header: t('role.one'), cell: (m) => <span data-testid="membership" data-role={m.role}><RoleName name={m.role} /></span>, width: 230 },
          { id: 'since', header: t('member.since'), cell: (m) => format.dateTime(m.createdAt), width: 235 },
        ]}
        actions={
          <SpaceBetween direction="horizontal" size="xs">
            <WriteButton {...may} disabled={selected.length === 0} onClick={() => setDialog('remove')} data-testid="membership-remove">{t('member.remove')}</WriteButton>
            <WriteButton {...may} disabled={only === undefined} onClick={() => setDialog('change')} data-testid="membership-change">{t('member.change')}</WriteButton>
            <WriteButton {...may} variant="primary" onClick={() => setDialog('add')} data-testid="membership-add">{t('member.add')}</WriteButton>
          </SpaceBetween>
        }
      />
      {(dialog === 'add' || (dialog === 'change' && only !== undefined)) && <MemberDialog members={members} place={place} of={dialog === 'change' ? only ?? null : null} close={close} />}
      {dialog === 'remove' && (
        <DeleteDialog
          items={selected.map((m) => m.user)} stale={staleWithMembers} remove={members.remove} close={close} done={() => choose([])} action={t('member.remove')} notice="member.removed"
          title={selected.length === 1 ? t('member.removeTitle', { name: selected[0]?.user.name ?? '' }) : t('member.removeManyTitle', { count: selected.length })}
        >
          {t('member.removeBody')}
        </DeleteDialog>
      )}
    </>
  );
}
