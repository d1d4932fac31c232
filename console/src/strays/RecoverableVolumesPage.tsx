import { useState, type ReactNode } from 'react';
import { usePages } from '../api/pages';
import type { RecoverableVolume } from '../api/types';
import { useFormat } from '../i18n/format';
import { useText } from '../i18n/text';
import { Page } from '../ui/Page';
import { ResourceTable } from '../ui/ResourceTable';
import { useTableLook } from '../ui/tableLook';
import { WriteButton } from '../ui/WriteButton';
import { RecoverVolumeDialog } from './RecoverVolumeDialog';
import { recoverable } from './strays';

/** What the account lost with a host, and can have back. */
export function RecoverableVolumesPage(): ReactNode {
  const t = useText();
  const format = useFormat();
  const look = useTableLook(recoverable.key);
  const pages = usePages([recoverable.key], look.pageSize, recoverable.list);
  const [asked, ask] = useState<RecoverableVolume | null>(null);
  return (
    <Page trail={[{ text: t('volume.title'), href: '/volumes' }, { text: t('recover.title'), href: '/recoverable-volumes' }]}>
      <ResourceTable
        title={t('recover.title')} description={t('recover.about')} pages={pages} look={look} labelOf={(v) => v.name} empty={t('recover.empty')} emptyHint={t('recover.emptyHint')}
        columns={[
          { id: 'name', header: t('ui.name'), cell: (v) => v.name, isRowHeader: true, width: 200 },
          { id: 'id', header: t('ui.id'), cell: (v) => <code>{v.id}</code>, width: 230 },
          { id: 'size', header: t('volume.size'), cell: (v) => format.gib(v.sizeGib), width: 110 },
          { id: 'used', header: t('volume.used'), cell: (v) => format.bytes(v.usedBytes), width: 120 },
          { id: 'written', header: t('stray.written'), cell: (v) => format.dateTime(v.writtenAt), width: 235 },
          { id: 'lost', header: t('recover.lost'), cell: (v) => format.dateTime(v.lostAt), width: 235 },
          { id: 'action', header: t('ui.actions'), cell: (v) => <WriteButton needs="recoverable-volumes:write" variant="inline-link" onClick={() => ask(v)} data-testid="volume-recover">{t('recover.recover')}</WriteButton>, width: 140 },
        ]}
      />
      {asked !== null && <RecoverVolumeDialog volume={asked} close={() => ask(null)} />}
    </Page>
  );
}
