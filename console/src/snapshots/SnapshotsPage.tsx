import SpaceBetween from '@cloudscape-design/components/space-between';
import type { ReactNode } from 'react';
import { useFormat } from '../i18n/format';
import { useText } from '../i18n/text';
import { Page } from '../ui/Page';
import { ResourceLink } from '../ui/ResourceLink';
import { ResourceTable } from '../ui/ResourceTable';
import { tagLine } from '../ui/TagList';
import { useListing } from '../ui/useListing';
import { useSnapshotActions } from './SnapshotActions';
import { snapshots, states } from './snapshots';
import { SnapshotState } from './SnapshotState';

export function SnapshotsPage(): ReactNode {
  const t = useText();
  const format = useFormat();
  const listing = useListing({
    key: snapshots.key, states, stateText: (s) => t(`snapshot.state.${s}`), hiddenAtFirst: ['id', 'instance', 'created'], list: snapshots.list, isMoving: (s) => s.state !== 'available', tagsOf: (s) => s.tags,
  });
  const actions = useSnapshotActions(listing.selected, listing.unselect);
  return (
    <Page trail={[{ text: t('snapshot.title'), href: '/snapshots' }]}>
      <ResourceTable
        {...listing.table} title={t('snapshot.title')} description={t('snapshot.about')} labelOf={(s) => s.name} empty={t('snapshot.empty')}
        columns={[
          { id: 'name', header: t('ui.name'), cell: (s) => <ResourceLink {...s} />, isRowHeader: true, width: 180 },
          { id: 'id', header: t('ui.id'), cell: (s) => <code>{s.id}</code>, width: 230 },
          { id: 'state', header: t('ui.state'), cell: (s) => <SnapshotState snapshot={s} />, width: 140 },
          { id: 'volume', header: t('snapshot.volume'), cell: (s) => <ResourceLink {...s.volume} />, width: 140 },
          { id: 'tags', header: t('tags.title'), cell: (s) => tagLine(s.tags), width: 180 },
          { id: 'size', header: t('volume.size'), cell: (s) => format.gib(s.sizeGib), width: 90 },
          { id: 'used', header: t('volume.used'), cell: (s) => format.bytes(s.usedBytes), width: 100 },
          { id: 'taken', header: t('snapshot.taken'), cell: (s) => (s.takenAt === null ? '-' : format.dateTime(s.takenAt)), width: 205 },
          { id: 'consistency', header: t('snapshot.consistency'), cell: (s) => (s.consistency === null ? '-' : t.word('snapshot.consistency', s.consistency)), width: 190 },
          { id: 'instance', header: t('volume.instance'), cell: (s) => (s.instance === null ? '-' : <ResourceLink {...s.instance} />), width: 170 },
          { id: 'created', header: t('ui.created'), cell: (s) => format.dateTime(s.createdAt), width: 235 },
        ]}
        actions={<SpaceBetween direction="horizontal" size="xs">{actions.buttons}</SpaceBetween>}
      />
      {actions.dialog}
    </Page>
  );
}
