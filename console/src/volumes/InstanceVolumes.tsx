import { useQueryClient } from '@tanstack/react-query';
import { useState, type ReactNode } from 'react';
import { useAll } from '../api/pages';
import type { Instance } from '../api/types';
import { useFormat } from '../i18n/format';
import { useText } from '../i18n/text';
import { staleWithSnapshots } from '../snapshots/snapshots';
import { TakeSnapshotDialog } from '../snapshots/TakeSnapshotDialog';
import { Copy } from '../ui/Copy';
import { ResourceLink } from '../ui/ResourceLink';
import { ShortTable } from '../ui/ShortTable';
import { WriteButton } from '../ui/WriteButton';
import { AttachVolumeDialog } from './AttachVolumeDialog';
import { CreateVolumeDialog } from './CreateVolumeDialog';
import { DetachVolumeDialog } from './DetachVolumeDialog';
import { isSettling } from './state';
import { canDetach, devicePath, slotMax, staleWithVolumes, volumes } from './volumes';
import { VolumeState } from './VolumeState';

type Dialog = 'attach' | 'create' | 'detach' | 'snapshots';

/** The volumes of an instance, by their places; the one at 0 is what it starts from. */
export function InstanceVolumes({ instance }: { instance: Instance }): ReactNode {
  const t = useText();
  const format = useFormat();
  const queries = useQueryClient();
  const all = useAll([volumes.key, { instance: instance.id }], (page) => volumes.list({ ...page, instance: instance.id }), isSettling);
  const [chosen, choose] = useState<string | null>(null);
  const [dialog, setDialog] = useState<Dialog | null>(null);
  const close = () => setDialog(null);
  const changed = () => void queries.invalidateQueries({ predicate: (q) => (staleWithVolumes as readonly string[]).includes(String(q.queryKey[0])) });
  const rows = all.data === undefined ? undefined : [...all.data].sort((a, b) => (a.slot ?? 0) - (b.slot ?? 0));
  const volume = rows?.find((v) => v.id === chosen) ?? (rows?.length === 1 ? rows[0] : undefined);
  const full = (rows?.filter((v) => v.slot !== 0).length ?? 0) >= slotMax;
  const live = instance.desired !== 'terminated';
  const button = (which: Dialog, text: string, enabled: boolean) => <WriteButton needs={which === 'snapshots' ? 'instances:write' : 'volumes:write'} key={which} disabled={!enabled} onClick={() => setDialog(which)} data-testid={`volumes-${which}`}>{text}</WriteButton>;
  return (
    <>
      <ShortTable
        title={t('volume.title')} description={full ? t('volume.slotsFull', { max: slotMax }) : undefined} items={rows} error={all.error} empty={t('volume.emptyInstance')} selected={volume} select={(v) => choose(v?.id ?? null)} labelOf={(v) => v.name}
        columns={[
          { id: 'slot', header: t('volume.slot'), cell: (v) => (v.slot === 0 ? t('volume.slotRoot') : v.slot ?? '-'), minWidth: 90 },
          { id: 'name', header: t('ui.name'), cell: (v) => <ResourceLink {...v} />, isRowHeader: true, minWidth: 120 },
          { id: 'state', header: t('ui.state'), cell: (v) => <VolumeState volume={v} />, minWidth: 130 },
          { id: 'size', header: t('volume.size'), cell: (v) => format.gib(v.sizeGib), minWidth: 85 },
          { id: 'pool', header: t('volume.pool'), cell: (v) => <ResourceLink {...v.pool} />, minWidth: 95 },
          { id: 'type', header: t('volume.type'), cell: (v) => v.type?.name ?? '-', minWidth: 95 },
          { id: 'device', header: t('volume.device'), cell: (v) => <Copy text={devicePath(v)} /> },
          { id: 'goes', header: t('volume.deleteOnTermination'), cell: (v) => t(v.deleteOnTermination ? 'ui.yes' : 'ui.no') },
        ]}
        actions={[
          button('snapshots', t('snapshot.takeAll'), live && (rows?.length ?? 0) > 0),
          button('detach', t('volume.detach'), live && volume !== undefined && canDetach(volume)),
          button('attach', t('volume.attachExisting'), live && !full),
          button('create', t('volume.createAttach'), live && !full),
        ]}
      />
      {dialog === 'snapshots' && <TakeSnapshotDialog of={instance} all close={close} done={() => void queries.invalidateQueries({ predicate: (q) => (staleWithSnapshots as readonly string[]).includes(String(q.queryKey[0])) })} />}
      {dialog === 'attach' && <AttachVolumeDialog instance={instance} close={close} done={changed} />}
      {dialog === 'create' && <CreateVolumeDialog instance={instance} close={close} created={changed} />}
      {dialog === 'detach' && volume && <DetachVolumeDialog volume={volume} close={close} done={changed} />}
    </>
  );
}
