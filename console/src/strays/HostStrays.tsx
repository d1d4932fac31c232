import Box from '@cloudscape-design/components/box';
import Container from '@cloudscape-design/components/container';
import { useState, type ReactNode } from 'react';
import { useAll } from '../api/pages';
import { useStale } from '../api/stale';
import type { Host, Stray } from '../api/types';
import { useFormat } from '../i18n/format';
import { useText } from '../i18n/text';
import { ConfirmDialog } from '../ui/ConfirmDialog';
import { notify } from '../ui/notices';
import { ResourceLink } from '../ui/ResourceLink';
import { ShortTable } from '../ui/ShortTable';
import { WriteButton } from '../ui/WriteButton';
import { AdoptStrayDialog } from './AdoptStrayDialog';
import { canAdopt, staleWithStrays, strays } from './strays';

/** Volumes that a host has found and no record explains: an operator adopts or deletes them. */
export function HostStrays({ host }: { host: Host }): ReactNode {
  const t = useText();
  const format = useFormat();
  const stale = useStale();
  const all = useAll([strays.key, { host: host.id }], (page) => strays.list(host.id, page));
  const [chosen, choose] = useState<string | null>(null);
  // What was chosen when the dialog opened: live updates must not change what is confirmed.
  const [asked, ask] = useState<{ action: 'adopt' | 'delete'; of: Stray } | null>(null);
  const one = all.data?.find((s) => s.id === chosen);
  const close = () => ask(null);
  const remove = async ({ id }: Stray) => {
    await strays.remove(host.id, id);
    notify({ type: 'success', saying: { key: 'stray.deleteNotice', values: { id } } });
    stale(staleWithStrays);
  };
  const when = (at: string) => <>{format.fromNow(at)}<Box fontSize="body-s" color="text-body-secondary">{format.dateTime(at)}</Box></>;
  return (
    <Container>
      <ShortTable
        title={t('stray.title')} description={t('stray.about')} items={all.data} error={all.error} empty={t('stray.empty')} selected={one} select={(s) => choose(s?.id ?? null)} labelOf={(s) => s.id}
        columns={[
          { id: 'id', header: t('ui.id'), cell: (s) => <code>{s.id}</code>, isRowHeader: true, minWidth: 210 },
          { id: 'former', header: t('stray.former'), cell: (s) => (s.account === null || s.name === null ? t('stray.formerNone') : t('stray.formerOf', { name: s.name, account: s.account.name })), minWidth: 150 },
          { id: 'size', header: t('volume.size'), cell: (s) => (canAdopt(s) ? format.gib(s.sizeGib) : t('stray.unreadable')), minWidth: 90 },
          { id: 'used', header: t('volume.used'), cell: (s) => format.bytes(s.usedBytes), minWidth: 95 },
          { id: 'written', header: t('stray.written'), cell: (s) => when(s.writtenAt), minWidth: 150 },
          { id: 'seen', header: t('stray.seen'), cell: (s) => when(s.firstSeenAt), minWidth: 150 },
          { id: 'image', header: t('stray.image'), cell: (s) => (s.image === null ? '-' : <ResourceLink {...s.image} />), minWidth: 110 },
        ]}
        actions={[
          <WriteButton needs="hosts:write" reach="cloud" key="delete" disabled={one === undefined} onClick={() => one && ask({ action: 'delete', of: one })} data-testid="stray-delete">{t('stray.delete')}</WriteButton>,
          <WriteButton needs="hosts:write" reach="cloud" key="adopt" disabled={one === undefined || !canAdopt(one)} onClick={() => one && ask({ action: 'adopt', of: one })} data-testid="stray-adopt">{t('stray.adopt')}</WriteButton>,
        ]}
      />
      {asked?.action === 'adopt' && <AdoptStrayDialog stray={asked.of} close={close} />}
      {asked?.action === 'delete' && (
        <ConfirmDialog title={t('stray.deleteTitle', { id: asked.of.id })} action={t('stray.delete')} typed={asked.of.id} run={() => remove(asked.of)} close={close}>{t('stray.deleteBody')}</ConfirmDialog>
      )}
    </Container>
  );
}
