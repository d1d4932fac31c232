import Button from '@cloudscape-design/components/button';
import Header from '@cloudscape-design/components/header';
import SpaceBetween from '@cloudscape-design/components/space-between';
import Tabs from '@cloudscape-design/components/tabs';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState, type ReactNode } from 'react';
import { useNavigate, useParams, useSearchParams } from 'react-router';
import { resyncMs, watchMs } from '../api/pages';
import type { Volume } from '../api/types';
import { VolumeSchedules } from '../backup-schedules/VolumeSchedules';
import { VolumeBackups } from '../backups/VolumeBackups';
import { EventTable } from '../events/EventTable';
import { useText } from '../i18n/text';
import { MakeImageDialog } from '../images/MakeImageDialog';
import { useMay } from '../session/permissions';
import { VolumeSnapshots } from '../snapshots/VolumeSnapshots';
import { DeleteDialog } from '../ui/DeleteDialog';
import { Loading } from '../ui/Loading';
import { Page } from '../ui/Page';
import { ProblemAlert } from '../ui/ProblemAlert';
import { WriteButton } from '../ui/WriteButton';
import { SpanTable } from '../usage/SpanTable';
import { AttachToInstanceDialog } from './AttachVolumeDialog';
import { EditVolumeDialog, ResizeDialog } from './ChangeDialogs';
import { CopyVolumeDialog } from './CopyVolumeDialog';
import { DetachVolumeDialog } from './DetachVolumeDialog';
import { CancelMoveDialog, MoveVolumeDialog } from './MoveVolumeDialog';
import { isSettling } from './state';
import { VolumeOverview } from './VolumeOverview';
import { canAttach, canDelete, canDetach, canLaunchFrom, canMove, canTakeSnapshot, isLeaving, sizeMaxGib, staleWithVolumes, volumes } from './volumes';

type Dialog = 'attach' | 'cancel-move' | 'copy' | 'detach' | 'image' | 'move' | 'resize' | 'edit' | 'delete';

export function VolumePage(): ReactNode {
  const t = useText();
  const may = useMay();
  const id = useParams()['id'] ?? '';
  const navigate = useNavigate();
  const queries = useQueryClient();
  const [search, setSearch] = useSearchParams();
  const [dialog, setDialog] = useState<Dialog | null>(null);
  const { data: volume, error, isPending, refetch } = useQuery({
    queryKey: [volumes.key, 'one', id], queryFn: () => volumes.get(id), refetchInterval: (query) => (query.state.data !== undefined && isSettling(query.state.data) ? watchMs : resyncMs),
  });
  const trail = [{ text: t('volume.title'), href: '/volumes' }, { text: volume?.name ?? id, href: `/volumes/${id}` }];
  if (isPending) return <Page trail={trail}><Loading /></Page>;
  if (volume === undefined) return <Page trail={trail}><ProblemAlert failure={error} /></Page>;
  const close = () => setDialog(null);
  const changed = (now: Volume) => {
    queries.setQueryData([volumes.key, 'one', id], now);
    void queries.invalidateQueries({ predicate: (q) => (staleWithVolumes as readonly string[]).includes(String(q.queryKey[0])) });
  };
  const living = !isLeaving(volume);
  const button = (which: Dialog, text: string, enabled: boolean) => <WriteButton needs={which === 'image' ? 'images:write' : 'volumes:write'} disabled={!enabled} onClick={() => setDialog(which)} data-testid={`volume-${which}`}>{text}</WriteButton>;
  return (
    <Page trail={trail}>
      <SpaceBetween size="l">
        <Header
          variant="h1" description={<code>{volume.id}</code>}
          actions={
            <SpaceBetween direction="horizontal" size="xs">
              <Button iconName="refresh" ariaLabel={t('ui.refresh')} onClick={() => void refetch()} />
              {volume.instance === null ? button('attach', t('volume.attach'), canAttach(volume)) : button('detach', t('volume.detach'), canDetach(volume))}
              <WriteButton needs="instances:write" disabled={!canLaunchFrom(volume)} onClick={() => void navigate(`/instances/launch?volume=${volume.id}`)} data-testid="volume-launch">{t('volume.launch')}</WriteButton>
              {button('copy', t('ui.copy'), canTakeSnapshot(volume))}
              {button('image', t('image.make'), canTakeSnapshot(volume) && !volume.encrypted)}
              {volume.state === 'moving' ? button('cancel-move', t('volume.moveCancel'), true) : button('move', t('volume.move'), canMove(volume))}
              {button('resize', t('volume.resize'), living && volume.state !== 'moving' && volume.sizeGib < sizeMaxGib)}
              {button('edit', t('volume.edit'), living)}
              {button('delete', t('ui.delete'), canDelete(volume))}
            </SpaceBetween>
          }
        >
          {volume.name}
        </Header>
        <ProblemAlert failure={error} />
        <VolumeOverview volume={volume} />
        <Tabs
          activeTabId={search.get('tab') ?? 'snapshots'} onChange={(e) => setSearch({ tab: e.detail.activeTabId }, { replace: true })}
          tabs={[
            { id: 'snapshots', label: t('volume.snapshots'), content: <VolumeSnapshots volume={volume} canTake={canTakeSnapshot(volume)} /> },
            { id: 'backups', label: t('backup.title'), content: <SpaceBetween size="l"><VolumeBackups volume={volume} canCreate={canTakeSnapshot(volume)} /><VolumeSchedules volume={volume} /></SpaceBetween> },
            { id: 'events', label: t('instance.tab.events'), content: <EventTable within filters={{ resource: volume.id }} /> },
            ...(may('usage:read') ? [{ id: 'usage', label: t('usage.title'), content: <SpanTable resource={volume.id} /> }] : []),
          ].map((tab) => ({ ...tab, label: <span data-testid={`tab-${tab.id}`}>{tab.label}</span> }))}
        />
      </SpaceBetween>
      {dialog === 'attach' && <AttachToInstanceDialog volume={volume} close={close} done={changed} />}
      {dialog === 'detach' && <DetachVolumeDialog volume={volume} close={close} done={changed} />}
      {dialog === 'copy' && <CopyVolumeDialog volume={volume} close={close} />}
      {dialog === 'image' && <MakeImageDialog of={{ fromVolume: volume }} close={close} />}
      {dialog === 'move' && <MoveVolumeDialog volume={volume} close={close} done={changed} />}
      {dialog === 'cancel-move' && <CancelMoveDialog volume={volume} close={close} done={changed} />}
      {dialog === 'resize' && <ResizeDialog volume={volume} close={close} done={changed} />}
      {dialog === 'edit' && <EditVolumeDialog volume={volume} close={close} done={changed} />}
      {dialog === 'delete' && (
        <DeleteDialog
          items={[volume]} stale={staleWithVolumes.filter((key) => key !== volumes.key)} remove={volumes.remove} close={close}
          done={() => {
            // Lists are read anew; what this page has read is not, since it may be no more.
            queries.removeQueries({ queryKey: [volumes.key], type: 'inactive' });
            void navigate('/volumes');
          }}
        >
          {t('volume.deleteBody')} {volume.snapshots > 0 && t('volume.keptBody')}
        </DeleteDialog>
      )}
    </Page>
  );
}
