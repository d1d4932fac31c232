import Button from '@cloudscape-design/components/button';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { useState, type ReactNode } from 'react';
import { usePages } from '../api/pages';
import type { Token } from '../api/types';
import { useFormat } from '../i18n/format';
import { useText } from '../i18n/text';
import { DeleteDialog } from '../ui/DeleteDialog';
import { Page } from '../ui/Page';
import { ResourceTable } from '../ui/ResourceTable';
import { useTableLook } from '../ui/tableLook';
import { tokens } from './access';
import { CreateTokenDialog } from './CreateTokenDialog';
import { PasswordForm } from './PasswordForm';

export function AccessPage(): ReactNode {
  const t = useText();
  const format = useFormat();
  const look = useTableLook('tokens', ['id']);
  const pages = usePages([tokens.key], look.pageSize, tokens.list);
  const [selected, select] = useState<Token[]>([]);
  const [dialog, setDialog] = useState<'create' | 'delete' | null>(null);
  const close = () => setDialog(null);
  const nameOf = (token: Token) => token.name ?? t.word('access.kind', token.kind);
  return (
    <Page trail={[{ text: t('access.title'), href: '/access' }]}>
      <SpaceBetween size="l">
        <ResourceTable
          title={t('access.tokens')} description={t('access.tokensAbout')} pages={pages} look={look} selected={selected} select={select} labelOf={nameOf} empty={t('access.tokensEmpty')}
          columns={[
            { id: 'name', header: t('ui.name'), cell: (x) => x.name ?? '-', isRowHeader: true, width: 220 },
            { id: 'id', header: t('ui.id'), cell: (x) => <code>{x.id}</code>, width: 230 },
            { id: 'kind', header: t('access.kind'), cell: (x) => t.word('access.kind', x.kind), width: 140 },
            { id: 'created', header: t('ui.created'), cell: (x) => format.dateTime(x.createdAt), width: 235 },
            { id: 'expires', header: t('access.expires'), cell: (x) => (x.expiresAt === null ? t('access.never') : format.dateTime(x.expiresAt)), width: 235 },
            { id: 'lastUsed', header: t('access.lastUsed'), cell: (x) => (x.lastUsedAt === null ? '-' : format.dateTime(x.lastUsedAt)), width: 235 },
          ]}
          actions={
            <SpaceBetween direction="horizontal" size="xs">
              <Button disabled={selected.length === 0} onClick={() => setDialog('delete')}>{t('access.revoke')}</Button>
              <Button variant="primary" onClick={() => setDialog('create')} data-testid="create-token">{t('access.create')}</Button>
            </SpaceBetween>
          }
        />
        <PasswordForm />
      </SpaceBetween>
      {dialog === 'create' && <CreateTokenDialog close={close} created={pages.refresh} />}
      {dialog === 'delete' && (
        <DeleteDialog items={selected.map((x) => ({ id: x.id, name: nameOf(x) }))} stale={[tokens.key]} remove={tokens.revoke} close={close} done={() => select([])}>{t('access.revokeBody')}</DeleteDialog>
      )}
    </Page>
  );
}
