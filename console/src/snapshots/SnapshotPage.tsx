import Button from '@cloudscape-design/components/button';
import Header from '@cloudscape-design/components/header';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState, type ReactNode } from 'react';
import { useNavigate, useParams } from 'react-router';
import { resyncMs, watchMs } from '../api/pages';
import { EventTable } from '../events/EventTable';
import { useText } from '../i18n/text';
import { Loading } from '../ui/Loading';
import { Page } from '../ui/Page';
import { ProblemAlert } from '../ui/ProblemAlert';
import { WriteButton } from '../ui/WriteButton';
import { EditSnapshotDialog } from './EditSnapshotDialog';
import { useSnapshotActions } from './SnapshotActions';
import { SnapshotOverview } from './SnapshotOverview';
import { canDelete, snapshots } from './snapshots';

export function SnapshotPage(): ReactNode {
  const t = useText();
  const id = useParams()['id'] ?? '';
  const navigate = useNavigate();
  const queries = useQueryClient();
  const [editing, edit] = useState(false);
  const { data: snapshot, error, isPending, refetch } = useQuery({
    queryKey: [snapshots.key, 'one', id], queryFn: () => snapshots.get(id), refetchInterval: (query) => (query.state.data?.state === 'available' ? resyncMs : watchMs),
  });
  const actions = useSnapshotActions(snapshot === undefined ? [] : [snapshot], () => void navigate('/snapshots'));
  const trail = [{ text: t('snapshot.title'), href: '/snapshots' }, { text: snapshot?.name ?? id, href: `/snapshots/${id}` }];
  if (isPending) return <Page trail={trail}><Loading /></Page>;
  if (snapshot === undefined) return <Page trail={trail}><ProblemAlert failure={error} /></Page>;
  return (
    <Page trail={trail}>
      <SpaceBetween size="l">
        <Header
          variant="h1" description={<code>{snapshot.id}</code>}
          actions={
            <SpaceBetween direction="horizontal" size="xs">
              <Button iconName="refresh" ariaLabel={t('ui.refresh')} onClick={() => void refetch()} />
              <WriteButton needs="snapshots:write" disabled={!canDelete(snapshot)} onClick={() => edit(true)} data-testid="snapshot-edit">{t('snapshot.edit')}</WriteButton>
              {actions.buttons}
            </SpaceBetween>
          }
        >
          {snapshot.name}
        </Header>
        <ProblemAlert failure={error} />
        <SnapshotOverview snapshot={snapshot} />
        <EventTable within filters={{ resource: snapshot.id }} />
      </SpaceBetween>
      {editing && (
        <EditSnapshotDialog
          snapshot={snapshot} close={() => edit(false)}
          done={(changed) => {
            queries.setQueryData([snapshots.key, 'one', id], changed);
            void queries.invalidateQueries({ queryKey: [snapshots.key] });
          }}
        />
      )}
      {actions.dialog}
    </Page>
  );
}
