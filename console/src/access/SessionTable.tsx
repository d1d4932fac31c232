import Badge from '@cloudscape-design/components/badge';
import Button from '@cloudscape-design/components/button';
import { useState, type ReactNode } from 'react';
import type { Token } from '../api/types';
import { useFormat } from '../i18n/format';
import { useText } from '../i18n/text';
import { session } from '../session/session';
import { DeleteDialog } from '../ui/DeleteDialog';
import { ShortTable } from '../ui/ShortTable';
import { useStore } from '../ui/store';
import { programOf, tokens } from './access';

/** Where one is signed in. */
export function SessionTable({ items }: { items: readonly Token[] | undefined }): ReactNode {
  const t = useText();
  const format = useFormat();
  const { tokenId } = useStore(session);
  const [chosen, choose] = useState<readonly Token[]>([]);
  const [ending, setEnding] = useState(false);
  const nameOf = (x: Token) => (x.userAgent === null ? x.id : programOf(x.userAgent));
  const rows = items && [...items].sort((a, b) => (b.lastUsedAt ?? b.createdAt).localeCompare(a.lastUsedAt ?? a.createdAt));
  return (
    <>
      <ShortTable
        title={t('access.tab.sessions')} description={t('access.sessionsAbout')} items={rows} empty={t('access.sessionsEmpty')} chosen={chosen} choose={choose} labelOf={nameOf}
        actions={[<Button key="end" disabled={chosen.length === 0} onClick={() => setEnding(true)} data-testid="session-end">{t('access.end')}</Button>]}
        columns={[
          { id: 'program', header: t('access.program'), isRowHeader: true, minWidth: 220, cell: (x) => <>{x.userAgent === null ? '-' : <span title={x.userAgent}>{programOf(x.userAgent)}</span>} {x.id === tokenId && <Badge color="blue">{t('access.thisOne')}</Badge>}</> },
          { id: 'from', header: t('access.from'), cell: (x) => x.lastUsedFrom ?? '-', minWidth: 140 },
          { id: 'lastUsed', header: t('access.lastUsed'), cell: (x) => (x.lastUsedAt === null ? '-' : format.dateTime(x.lastUsedAt)), minWidth: 180 },
          { id: 'created', header: t('access.signedIn'), cell: (x) => format.dateTime(x.createdAt), minWidth: 180 },
          { id: 'expires', header: t('access.expires'), cell: (x) => (x.expiresAt === null ? t('access.never') : format.dateTime(x.expiresAt)), minWidth: 180 },
        ]}
      />
      {ending && (
        <DeleteDialog
          items={chosen.map((x) => ({ id: x.id, name: nameOf(x) }))} stale={[tokens.key]} remove={tokens.revoke} close={() => setEnding(false)} done={() => choose([])} action={t('access.end')} notice="access.ended"
          title={t('access.endTitle', { count: chosen.length })}
        >
          {t(chosen.some((x) => x.id === tokenId) ? 'access.endOwnBody' : 'access.endBody')}
        </DeleteDialog>
      )}
    </>
  );
}
