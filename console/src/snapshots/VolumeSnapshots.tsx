import { useQueryClient } from '@tanstack/react-query';
import { useState, type ReactNode } from 'react';
import { useAll } from '../api/pages';
import type { Volume } from '../api/types';
import { useFormat } from '../i18n/format';
import { useText } from '../i18n/text';
import { ResourceLink } from '../ui/ResourceLink';
import { ShortTable } from '../ui/ShortTable';
import { tagLine } from '../ui/TagList';
import { WriteButton } from '../ui/WriteButton';
import { useSnapshotActions } from './SnapshotActions';
import { snapshots, staleWithSnapshots } from './snapshots';
import { SnapshotState } from './SnapshotState';
import { TakeSnapshotDialog } from './TakeSnapshotDialog';

/** The snapshots of a volume, the oldest first. */
export function VolumeSnapshots({ volume, canTake }: { volume: Volume; canTake: boolean }): ReactNode {
  const t = useText();
  const format = useFormat();
  const queries = useQueryClient();
  const all = useAll([snapshots.key, { volume: volume.id }], (page) => snapshots.list({ ...page, volume: volume.id }));
  const [chosen, choose] = useState<readonly string[]>([]);
  const [taking, take] = useState(false);
  const selected = (all.data ?? []).filter((s) => chosen.includes(s.id));
  const actions = useSnapshotActions(selected, () => choose([]));
  return (
    <>
      <ShortTable
        title={t('snapshot.title')} items={all.data} error={all.error} empty={t('snapshot.empty')} chosen={selected} choose={(items) => choose(items.map((s) => s.id))} labelOf={(s) => s.name}
        columns={[
          { id: 'name', header: t('ui.name'), cell: (s) => <ResourceLink {...s} />, isRowHeader: true, minWidth: 140 },
          { id: 'state', header: t('ui.state'), cell: (s) => <SnapshotState snapshot={s} />, minWidth: 130 },
          { id: 'taken', header: t('snapshot.taken'), cell: (s) => (s.takenAt === null ? '-' : format.dateTime(s.takenAt)), minWidth: 180 },
          { id: 'size', header: t('volume.size'), cell: (s) => format.gib(s.sizeGib), minWidth: 85 },
          { id: 'used', header: t('volume.used'), cell: (s) => format.bytes(s.usedBytes), minWidth: 95 },
          { id: 'consistency', header: t('snapshot.consistency'), cell: (s) => (s.consistency === null ? '-' : t.word('snapshot.consistency', s.consistency)), minWidth: 150 },
          { id: 'tags', header: t('tags.title'), cell: (s) => <span className="kumoi-anywhere">{tagLine(s.tags)}</span>, minWidth: 120 },
          { id: 'description', header: t('ui.description'), cell: (s) => s.description },
        ]}
        actions={[...actions.buttons, <WriteButton needs="volumes:write" key="take" disabled={!canTake} onClick={() => take(true)} data-testid="snapshot-take">{t('snapshot.take')}</WriteButton>]}
      />
      {taking && (
        <TakeSnapshotDialog
          of={volume} all={false} close={() => take(false)} done={() => void queries.invalidateQueries({ predicate: (q) => (staleWithSnapshots as readonly string[]).includes(String(q.queryKey[0])) })}
        />
      )}
      {actions.dialog}
    </>
  );
}
