import Button from '@cloudscape-design/components/button';
import Header from '@cloudscape-design/components/header';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { useNavigate, useParams } from 'react-router';
import { resyncMs, watchMs } from '../api/pages';
import { EventTable } from '../events/EventTable';
import { useText } from '../i18n/text';
import { Loading } from '../ui/Loading';
import { Page } from '../ui/Page';
import { ProblemAlert } from '../ui/ProblemAlert';
import { useBackupActions } from './BackupActions';
import { BackupOverview } from './BackupOverview';
import { backups, isMoving } from './backups';

export function BackupPage(): ReactNode {
  const t = useText();
  const id = useParams()['id'] ?? '';
  const navigate = useNavigate();
  const { data: backup, error, isPending, refetch } = useQuery({
    queryKey: [backups.key, 'one', id], queryFn: () => backups.get(id), refetchInterval: ({ state }) => (state.data !== undefined && isMoving(state.data) ? watchMs : resyncMs),
  });
  const actions = useBackupActions(backup === undefined ? [] : [backup], () => void navigate('/backups'));
  const trail = [{ text: t('backup.title'), href: '/backups' }, { text: backup?.name ?? id, href: `/backups/${id}` }];
  if (isPending) return <Page trail={trail}><Loading /></Page>;
  if (backup === undefined) return <Page trail={trail}><ProblemAlert failure={error} /></Page>;
  return (
    <Page trail={trail}>
      <SpaceBetween size="l">
        <Header
          variant="h1" description={<code>{backup.id}</code>}
          actions={
            <SpaceBetween direction="horizontal" size="xs">
              <Button iconName="refresh" ariaLabel={t('ui.refresh')} onClick={() => void refetch()} />
              {actions.buttons}
            </SpaceBetween>
          }
        >
          {backup.name}
        </Header>
        <ProblemAlert failure={error} />
        <BackupOverview backup={backup} />
        <EventTable within filters={{ resource: backup.id }} />
      </SpaceBetween>
      {actions.dialog}
    </Page>
  );
}
