import Button from '@cloudscape-design/components/button';
import { useQuery } from '@tanstack/react-query';
import { useState, type ReactNode } from 'react';
import { resyncMs } from '../api/pages';
import { useStale } from '../api/stale';
import type { AccessKey } from '../api/types';
import { useFormat } from '../i18n/format';
import { useText } from '../i18n/text';
import { session } from '../session/session';
import { DeleteDialog } from '../ui/DeleteDialog';
import { ShortTable } from '../ui/ShortTable';
import { useStore } from '../ui/store';
import { accessKeys } from './accessKeys';
import { CreateAccessKeyDialog } from './CreateAccessKeyDialog';

/** Keys with which programs that speak a dialect sign their requests. */
export function AccessKeyTable(): ReactNode {
  const t = useText();
  const format = useFormat();
  const stale = useStale();
  const { self } = useStore(session);
  const [chosen, choose] = useState<readonly AccessKey[]>([]);
  const [dialog, setDialog] = useState<'create' | 'delete' | null>(null);
  const { data, error } = useQuery({ queryKey: [accessKeys.key], queryFn: accessKeys.list, refetchInterval: resyncMs });
  const close = () => setDialog(null);
  const nameOf = (k: AccessKey) => k.name ?? k.id;
  return (
    <>
      <ShortTable
        title={t('access.tab.access-keys')} description={t('access.keysAbout', { name: self?.actingFor.name ?? '' })} items={data?.items} error={error} empty={t('access.keysEmpty')} chosen={chosen} choose={choose} labelOf={nameOf}
        actions={[
          <Button key="delete" disabled={chosen.length === 0} onClick={() => setDialog('delete')} data-testid="access-key-delete">{t('ui.delete')}</Button>,
          <Button key="create" variant="primary" onClick={() => setDialog('create')} data-testid="create-access-key">{t('access.keyCreate')}</Button>,
        ]}
        columns={[
          { id: 'name', header: t('ui.name'), isRowHeader: true, cell: (k) => k.name ?? '-', minWidth: 140 },
          { id: 'id', header: t('ui.id'), cell: (k) => <code>{k.id}</code>, minWidth: 200 },
          { id: 'account', header: t('shell.account'), cell: (k) => k.account.name, minWidth: 140 },
          { id: 'from', header: t('access.ranges'), cell: (k) => k.sourceRanges.join(', ') || '-', minWidth: 140 },
          { id: 'lastUsed', header: t('access.lastUsed'), cell: (k) => (k.lastUsedAt === null ? '-' : format.dateTime(k.lastUsedAt)), minWidth: 170 },
          { id: 'created', header: t('ui.created'), cell: (k) => format.dateTime(k.createdAt), minWidth: 170 },
          { id: 'expires', header: t('access.expires'), cell: (k) => (k.expiresAt === null ? t('access.never') : format.dateTime(k.expiresAt)), minWidth: 170 },
        ]}
      />
      {dialog === 'create' && <CreateAccessKeyDialog close={close} created={() => stale([accessKeys.key])} />}
      {dialog === 'delete' && (
        <DeleteDialog
          items={chosen.map((k) => ({ id: k.id, name: nameOf(k) }))} stale={[accessKeys.key]} remove={accessKeys.remove} close={close} done={() => choose([])} title={t('access.keyDeleteTitle', { count: chosen.length })}
        >
          {t('access.keyDeleteBody')}
        </DeleteDialog>
      )}
    </>
  );
}
