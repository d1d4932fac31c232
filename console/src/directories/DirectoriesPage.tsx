import SpaceBetween from '@cloudscape-design/components/space-between';
import { useState, type ReactNode } from 'react';
import { usePages } from '../api/pages';
import type { UserDirectory } from '../api/types';
import { useFormat } from '../i18n/format';
import { useText } from '../i18n/text';
import { Copy } from '../ui/Copy';
import { DeleteDialog } from '../ui/DeleteDialog';
import { Page } from '../ui/Page';
import { ResourceLink } from '../ui/ResourceLink';
import { ResourceTable } from '../ui/ResourceTable';
import { useTableLook } from '../ui/tableLook';
import { WriteButton } from '../ui/WriteButton';
import { ChangeDirectoryDialog } from './ChangeDirectoryDialog';
import { CreateDirectoryDialog } from './CreateDirectoryDialog';
import { directories } from './directories';

/** LDAP directories and identity providers whose people sign in. */
export function DirectoriesPage(): ReactNode {
  const t = useText();
  const format = useFormat();
  const look = useTableLook('directories', ['id', 'base', 'filter', 'bind', 'created']);
  const pages = usePages<UserDirectory>([directories.key], look.pageSize, directories.list);
  const [chosen, choose] = useState<readonly string[]>([]);
  const [dialog, setDialog] = useState<'create' | 'change' | 'delete' | null>(null);
  const selected = pages.items.filter((d) => chosen.includes(d.id));
  const [only] = selected.length === 1 ? selected : [];
  const close = () => setDialog(null);
  const may = { needs: 'directories:write', reach: 'domain' } as const;
  const create = <WriteButton {...may} variant="primary" onClick={() => setDialog('create')} data-testid="create-directory">{t('directory.create')}</WriteButton>;
  return (
    <Page trail={[{ text: t('directory.title'), href: '/directories' }]}>
      <ResourceTable<UserDirectory>
        title={t('directory.title')} description={t('directory.about')} pages={pages} look={look} selected={selected} select={(items) => choose(items.map((d) => d.id))} labelOf={(d) => d.name} empty={t('directory.empty')} emptyAction={create}
        columns={[
          { id: 'name', header: t('ui.name'), isRowHeader: true, cell: (d) => d.name, width: 140 },
          { id: 'kind', header: t('directory.kind'), cell: (d) => t.word('directory.kind', d.kind), width: 160 },
          { id: 'id', header: t('ui.id'), cell: (d) => <code>{d.id}</code>, width: 220 },
          { id: 'domain', header: t('directory.domain'), cell: (d) => <ResourceLink {...d.domain} />, width: 140 },
          { id: 'url', header: t('directory.url'), cell: (d) => <code className="kumoi-anywhere">{d.url}</code>, width: 220 },
          { id: 'base', header: t('directory.baseDn'), cell: (d) => <code className="kumoi-anywhere">{d.baseDn || '-'}</code>, width: 240 },
          { id: 'redirect', header: t('directory.redirect'), cell: (d) => (d.openId?.redirectUri ? <Copy text={d.openId.redirectUri} /> : '-'), width: 240 },
          { id: 'account', header: t('directory.account'), cell: (d) => (d.account === null ? '-' : <ResourceLink {...d.account} />), width: 180 },
          { id: 'roles', header: t('directory.groupRoles'), cell: (d) => <span className="kumoi-anywhere">{[...d.groupRoles.map((g) => `${g.group}: ${g.role}`), ...(d.defaultRole === null ? [] : [`*: ${d.defaultRole}`])].join(', ') || '-'}</span>, width: 280 },
          { id: 'filter', header: t('directory.userFilter'), cell: (d) => <code>{d.userFilter || '-'}</code>, width: 180 },
          { id: 'bind', header: t('directory.bindDn'), cell: (d) => <code className="kumoi-anywhere">{d.bindDn || '-'}</code>, width: 240 },
          { id: 'created', header: t('ui.created'), cell: (d) => format.dateTime(d.createdAt), width: 220 },
        ]}
        actions={
          <SpaceBetween direction="horizontal" size="xs">
            <WriteButton {...may} disabled={selected.length === 0} onClick={() => setDialog('delete')} data-testid="directory-delete">{t('ui.delete')}</WriteButton>
            <WriteButton {...may} disabled={only === undefined} onClick={() => setDialog('change')} data-testid="directory-change">{t('directory.change')}</WriteButton>
            {create}
          </SpaceBetween>
        }
      />
      {dialog === 'create' && <CreateDirectoryDialog close={close} created={pages.refresh} />}
      {dialog === 'change' && only && <ChangeDirectoryDialog of={only} close={close} />}
      {dialog === 'delete' && <DeleteDialog items={selected} stale={[directories.key]} remove={directories.remove} close={close} done={() => choose([])}>{t('directory.deleteBody')}</DeleteDialog>}
    </Page>
  );
}
