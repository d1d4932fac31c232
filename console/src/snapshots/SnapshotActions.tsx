import { useQueryClient } from '@tanstack/react-query';
import { useState, type ReactNode } from 'react';
import type { Snapshot } from '../api/types';
import { useText } from '../i18n/text';
import { MakeImageDialog } from '../images/MakeImageDialog';
import type { Permission } from '../session/permissions';
import { ConfirmDialog } from '../ui/ConfirmDialog';
import { DeleteDialog } from '../ui/DeleteDialog';
import { notify } from '../ui/notices';
import { WriteButton } from '../ui/WriteButton';
import { canDelete, isUsable, snapshots, staleWithSnapshots } from './snapshots';
import { VolumeFromSnapshotDialog } from './VolumeFromSnapshotDialog';

type Action = 'delete' | 'image' | 'restore' | 'volume';

const needed: Readonly<Record<Action, Permission>> = { delete: 'snapshots:write', image: 'images:write', restore: 'volumes:write', volume: 'volumes:write' };

/** What can be done with snapshots, as buttons; several can only be deleted. Used where they are listed and where one is shown. */
export function useSnapshotActions(chosen: readonly Snapshot[], deleted: () => void): { buttons: ReactNode[]; dialog: ReactNode } {
  const t = useText();
  const queries = useQueryClient();
  // What was chosen when the dialog opened: live updates must not change what is confirmed.
  const [asked, ask] = useState<{ action: Action; of: readonly Snapshot[] } | null>(null);
  const usable = chosen.length === 1 && chosen.every(isUsable);
  const button = (action: Action, text: string, enabled: boolean) => (
    <WriteButton needs={needed[action]} key={action} disabled={!enabled} onClick={() => ask({ action, of: chosen })} data-testid={`snapshot-${action}`}>{text}</WriteButton>
  );
  const close = () => ask(null);
  const one = asked?.of[0];
  const restore = async (s: Snapshot) => {
    await snapshots.restore(s.volume.id, s.id);
    notify({ type: 'success', saying: { key: 'snapshot.restoreNotice', values: { name: s.volume.name } }, link: { to: `/volumes/${s.volume.id}`, text: s.volume.name } });
    void queries.invalidateQueries({ predicate: (q) => (staleWithSnapshots as readonly string[]).includes(String(q.queryKey[0])) });
  };
  return {
    buttons: [
      button('delete', t('ui.delete'), chosen.length > 0 && chosen.every(canDelete)), button('restore', t('snapshot.restore'), usable), button('image', t('image.make'), usable), button('volume', t('snapshot.newVolume'), usable),
    ],
    dialog: asked === null || one === undefined ? null : asked.action === 'delete' ? (
      <DeleteDialog items={asked.of} stale={staleWithSnapshots} remove={snapshots.remove} close={close} done={deleted}>{t('snapshot.deleteBody')}</DeleteDialog>
    ) : asked.action === 'image' ? <MakeImageDialog of={{ fromSnapshot: one }} close={close} /> : asked.action === 'volume' ? <VolumeFromSnapshotDialog snapshot={one} close={close} /> : (
      <ConfirmDialog title={t('snapshot.restoreTitle', { volume: one.volume.name, name: one.name })} action={t('snapshot.restore')} typed={one.volume.name} run={() => restore(one)} close={close}>
        {t('snapshot.restoreBody')}
      </ConfirmDialog>
    ),
  };
}
