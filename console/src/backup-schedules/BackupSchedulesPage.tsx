import SpaceBetween from '@cloudscape-design/components/space-between';
import { useState, type ReactNode } from 'react';
import { usePages } from '../api/pages';
import { useFormat } from '../i18n/format';
import { useText } from '../i18n/text';
import { Page } from '../ui/Page';
import { ResourceTable } from '../ui/ResourceTable';
import { useTableLook } from '../ui/tableLook';
import { WriteButton } from '../ui/WriteButton';
import { scheduleColumns } from './cells';
import { CreateScheduleDialog } from './CreateScheduleDialog';
import { useScheduleActions } from './ScheduleActions';
import { schedules } from './schedules';

export function BackupSchedulesPage(): ReactNode {
  const t = useText();
  const format = useFormat();
  const look = useTableLook(schedules.key, ['store']);
  const pages = usePages([schedules.key], look.pageSize, schedules.list);
  const [chosen, choose] = useState<readonly string[]>([]);
  const [creating, setCreating] = useState(false);
  const selected = pages.items.filter((s) => chosen.includes(s.id));
  const actions = useScheduleActions(selected, () => choose([]));
  const create = <WriteButton needs="backup-schedules:write" variant="primary" onClick={() => setCreating(true)} data-testid="schedule-create">{t('schedule.create')}</WriteButton>;
  return (
    <Page trail={[{ text: t('schedule.title'), href: '/backup-schedules' }]}>
      <ResourceTable
        title={t('schedule.title')} description={t('schedule.about')} pages={pages} look={look} selected={selected} select={(items) => choose(items.map((s) => s.id))} labelOf={(s) => s.name} empty={t('schedule.empty')}
        columns={scheduleColumns(t, format, true)} actions={<SpaceBetween direction="horizontal" size="xs">{actions.buttons}{create}</SpaceBetween>}
      />
      {creating && <CreateScheduleDialog close={() => setCreating(false)} />}
      {actions.dialog}
    </Page>
  );
}
