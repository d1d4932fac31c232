import Button from '@cloudscape-design/components/button';
import { useState, type ReactNode } from 'react';
import { useStale } from '../api/stale';
import type { Token } from '../api/types';
import { useFormat } from '../i18n/format';
import { useText } from '../i18n/text';
import { DeleteDialog } from '../ui/DeleteDialog';
import { ShortTable } from '../ui/ShortTable';
import { tokens } from './access';
import { CreateTokenDialog } from './CreateTokenDialog';

/** Tokens for programs, and what each is good for. */
export function TokenTable({ items }: { items: readonly Token[] | undefined }): ReactNode {
  const t = useText();
  const format = useFormat();
  const stale = useStale();
  const [chosen, choose] = useState<readonly Token[]>([]);
  const [dialog, setDialog] = useState<'create' | 'revoke' | null>(null);
  const close = () => setDialog(null);
  const nameOf = (x: Token) => x.name ?? x.id;
  return (
    <>
      <ShortTable
        title={t('access.tokens')} description={t('access.tokensAbout')} items={items} empty={t('access.tokensEmpty')} chosen={chosen} choose={choose} labelOf={nameOf}
        actions={[
          <Button key="revoke" disabled={chosen.length === 0} onClick={() => setDialog('revoke')} data-testid="token-revoke">{t('access.revoke')}</Button>,
          <Button key="create" variant="primary" onClick={() => setDialog('create')} data-testid="create-token">{t('access.create')}</Button>,
        ]}
        columns={[
          { id: 'name', header: t('ui.name'), isRowHeader: true, cell: nameOf, minWidth: 140 },
          { id: 'limits', header: t('access.limits'), minWidth: 240, cell: (x) => <Limits token={x} /> },
          { id: 'from', header: t('access.from'), cell: (x) => x.lastUsedFrom ?? '-', minWidth: 130 },
          { id: 'lastUsed', header: t('access.lastUsed'), cell: (x) => (x.lastUsedAt === null ? '-' : format.dateTime(x.lastUsedAt)), minWidth: 170 },
          { id: 'created', header: t('ui.created'), cell: (x) => format.dateTime(x.createdAt), minWidth: 170 },
          { id: 'expires', header: t('access.expires'), cell: (x) => (x.expiresAt === null ? t('access.never') : format.dateTime(x.expiresAt)), minWidth: 170 },
        ]}
      />
      {dialog === 'create' && <CreateTokenDialog close={close} created={() => stale([tokens.key])} />}
      {dialog === 'revoke' && (
        <DeleteDialog
          items={chosen.map((x) => ({ id: x.id, name: nameOf(x) }))} stale={[tokens.key]} remove={tokens.revoke} close={close} done={() => choose([])} action={t('access.revoke')} notice="access.revoked"
          title={t('access.revokeTitle', { count: chosen.length })}
        >
          {t('access.revokeBody')}
        </DeleteDialog>
      )}
    </>
  );
}

/** In what a token may less than its user. */
function Limits({ token: x }: { token: Token }): ReactNode {
  const t = useText();
  if (x.permissions === null && x.account === null && x.allowedRanges === null) return t('access.unlimited');
  return (
    <>
      {x.account !== null && <div>{t('access.onlyAccount', { name: x.account.name })}</div>}
      {x.permissions !== null && <div><code className="kumoi-anywhere">{x.permissions.join(' ')}</code></div>}
      {x.allowedRanges !== null && <div>{t('access.onlyFrom', { ranges: x.allowedRanges.join(', ') })}</div>}
    </>
  );
}
