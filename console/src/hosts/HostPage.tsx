import Box from '@cloudscape-design/components/box';
import Container from '@cloudscape-design/components/container';
import Header from '@cloudscape-design/components/header';
import KeyValuePairs from '@cloudscape-design/components/key-value-pairs';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { useQuery } from '@tanstack/react-query';
import { useState, type ReactNode } from 'react';
import { useNavigate, useParams } from 'react-router';
import { resyncMs, useAll } from '../api/pages';
import { useFormat } from '../i18n/format';
import { useText } from '../i18n/text';
import { HostStrays } from '../strays/HostStrays';
import { otherFinds, strays } from '../strays/strays';
import { Conditions } from '../ui/Conditions';
import { DeleteDialog } from '../ui/DeleteDialog';
import { Loading } from '../ui/Loading';
import { Page } from '../ui/Page';
import { ProblemAlert } from '../ui/ProblemAlert';
import { ResourceLink } from '../ui/ResourceLink';
import { TagList } from '../ui/TagList';
import { WriteButton } from '../ui/WriteButton';
import { CapacityBar } from './CapacityBar';
import { EditHostDialog } from './EditHostDialog';
import { hosts } from './hosts';
import { HostPower } from './HostPower';
import { HostState } from './HostState';
import { SchedulableToggle } from './SchedulableToggle';

export function HostPage(): ReactNode {
  const t = useText();
  const format = useFormat();
  const navigate = useNavigate();
  const id = useParams()['id'] ?? '';
  const { data: h, error, isPending } = useQuery({ queryKey: [hosts.key, 'one', id], queryFn: () => hosts.get(id), refetchInterval: resyncMs });
  const [deleting, setDeleting] = useState(false);
  const [editing, setEditing] = useState(false);
  const found = useAll([strays.key, { host: id }], (page) => strays.list(id, page));
  const trail = [{ text: t('host.title'), href: '/hosts' }, { text: h?.name ?? id, href: `/hosts/${id}` }];
  if (isPending) return <Page trail={trail}><Loading /></Page>;
  if (h === undefined) return <Page trail={trail}><ProblemAlert failure={error} /></Page>;
  const others = otherFinds(h.strays, found.data ?? []);
  return (
    <Page trail={trail}>
      <SpaceBetween size="l">
        <Header variant="h1" info={<Box display="inline-block" fontSize="body-m"><HostState host={h} /></Box>} description={<code>{h.id}</code>} actions={<SpaceBetween direction="horizontal" size="xs"><WriteButton needs="hosts:write" reach="cloud" onClick={() => setEditing(true)} data-testid="host-edit">{t('hostPool.hostEdit')}</WriteButton><WriteButton needs="hosts:write" reach="cloud" onClick={() => setDeleting(true)}>{t('host.delete')}</WriteButton></SpaceBetween>}>{h.name}</Header>
        <ProblemAlert failure={error} />
        <Container header={<Header variant="h2">{t('ui.overview')}</Header>}>
          <KeyValuePairs
            columns={4}
            items={[
              { label: t('instance.zone'), value: h.zone.name },
              { label: t('hostPool.one'), value: <ResourceLink {...h.hostPool} /> },
              { label: t('hostPool.labels'), value: <TagList tags={h.labels} /> },
              { label: t('host.address'), value: h.address },
              { label: t('host.instances'), value: format.number(h.instances) },
              { label: t('host.schedulable'), value: <SchedulableToggle host={h} /> },
              { label: t('host.hypervisor'), value: h.hypervisor },
              { label: t('host.accelerator'), value: <>{h.accelerator.toUpperCase()}<Box fontSize="body-s" color="text-body-secondary">{h.acceleratorReason}</Box></> },
              { label: t('host.power'), value: <HostPower host={h} /> },
              { label: t('host.agent'), value: h.agentVersion },
              { label: t('host.lastReport'), value: h.lastReportAt === null ? t('host.never') : <>{format.fromNow(h.lastReportAt)}<Box fontSize="body-s" color="text-body-secondary">{format.dateTime(h.lastReportAt)}</Box></> },
            ]}
          />
        </Container>
        <Container header={<Header variant="h2">{t('host.capacity')}</Header>}>
          <KeyValuePairs
            columns={3}
            items={[
              { label: t('host.vcpus'), value: <CapacityBar used={h.allocated.vcpus} total={h.capacity.vcpus} show={format.number} label={t('host.vcpus')} /> },
              { label: t('host.memory'), value: <CapacityBar used={h.allocated.memoryMib} total={h.capacity.memoryMib} show={format.mib} label={t('host.memory')} /> },
              { label: t('host.disk'), value: <CapacityBar used={h.allocated.diskGib} total={h.capacity.diskGib} show={format.gib} label={t('host.disk')} /> },
            ]}
          />
        </Container>
        <Container header={<Header variant="h2">{t('ui.conditions')}</Header>}><Conditions conditions={h.conditions} /></Container>
        <HostStrays host={h} />
        {others.length > 0 && <Container header={<Header variant="h2" counter={`(${others.length})`} description={t('host.straysAbout')}>{t('host.strays')}</Header>}><ul>{others.map((s) => <li key={s}><code>{s}</code></li>)}</ul></Container>}
      </SpaceBetween>
      {editing && <EditHostDialog host={h} close={() => setEditing(false)} />}
      {deleting && (
        <DeleteDialog items={[h]} stale={[hosts.key]} remove={hosts.remove} close={() => setDeleting(false)} done={() => void navigate('/hosts')}>{t('host.deleteBody')}</DeleteDialog>
      )}
    </Page>
  );
}
