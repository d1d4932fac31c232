import Box from '@cloudscape-design/components/box';
import Popover from '@cloudscape-design/components/popover';
import { useState, type ReactNode } from 'react';
import { usePages } from '../api/pages';
import { useFormat } from '../i18n/format';
import { useText } from '../i18n/text';
import { Page } from '../ui/Page';
import { ResourceTable } from '../ui/ResourceTable';
import { RouteLink } from '../ui/RouteLink';
import { useTableLook } from '../ui/tableLook';
import { tagLine } from '../ui/TagList';
import { WriteButton } from '../ui/WriteButton';
import { CapacityBar } from './CapacityBar';
import { hosts } from './hosts';
import { HostState } from './HostState';
import { JoinDialog } from './JoinDialog';
import { SchedulableToggle } from './SchedulableToggle';

export function HostsPage(): ReactNode {
  const t = useText();
  const format = useFormat();
  const look = useTableLook('hosts', ['id', 'labels', 'address', 'agent']);
  const pages = usePages([hosts.key], look.pageSize, hosts.list);
  const [joining, setJoining] = useState(false);
  const join = <WriteButton needs="hosts:write" reach="cloud" variant="primary" onClick={() => setJoining(true)} data-testid="join-host">{t('host.join')}</WriteButton>;
  return (
    <Page trail={[{ text: t('host.title'), href: '/hosts' }]}>
      <ResourceTable
        title={t('host.title')} description={t('host.about')} pages={pages} look={look} labelOf={(h) => h.name} empty={t('host.empty')} emptyAction={join} actions={join}
        columns={[
          { id: 'name', header: t('ui.name'), cell: (h) => <RouteLink to={`/hosts/${h.id}`}>{h.name}</RouteLink>, isRowHeader: true, width: 120 },
          { id: 'id', header: t('ui.id'), cell: (h) => <code>{h.id}</code>, width: 210 },
          { id: 'state', header: t('ui.state'), cell: (h) => <HostState host={h} />, width: 145 },
          { id: 'zone', header: t('instance.zone'), cell: (h) => h.zone.name, width: 90 },
          { id: 'pool', header: t('hostPool.one'), cell: (h) => h.hostPool.name, width: 120 },
          { id: 'instances', header: t('host.instances'), cell: (h) => format.number(h.instances), width: 125 },
          { id: 'vcpus', header: t('host.vcpus'), cell: (h) => <CapacityBar used={h.allocated.vcpus} total={h.capacity.vcpus} show={format.number} label={t('host.vcpus')} />, width: 100 },
          { id: 'memory', header: t('host.memory'), cell: (h) => <CapacityBar used={h.allocated.memoryMib} total={h.capacity.memoryMib} show={format.mib} label={t('host.memory')} />, width: 150 },
          { id: 'disk', header: t('host.disk'), cell: (h) => <CapacityBar used={h.allocated.diskGib} total={h.capacity.diskGib} show={format.gib} label={t('host.disk')} />, width: 155 },
          { id: 'schedulable', header: t('host.schedulableShort'), cell: (h) => <SchedulableToggle host={h} worded={false} />, width: 115 },
          {
            id: 'accelerator', header: t('host.accelerator'), width: 140,
            cell: (h) => <Popover dismissButton={false} content={<Box>{h.acceleratorReason}</Box>}>{h.accelerator.toUpperCase()}</Popover>,
          },
          { id: 'labels', header: t('hostPool.labels'), cell: (h) => tagLine(h.labels), width: 180 },
          { id: 'address', header: t('host.address'), cell: (h) => h.address, width: 140 },
          { id: 'agent', header: t('host.agent'), cell: (h) => h.agentVersion, width: 140 },
          { id: 'lastReport', header: t('host.lastReport'), cell: (h) => (h.lastReportAt === null ? t('host.never') : format.fromNow(h.lastReportAt)), width: 150 },
        ]}
      />
      {joining && <JoinDialog close={() => setJoining(false)} />}
    </Page>
  );
}
