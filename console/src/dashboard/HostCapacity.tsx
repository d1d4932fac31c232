import Box from '@cloudscape-design/components/box';
import Container from '@cloudscape-design/components/container';
import Header from '@cloudscape-design/components/header';
import KeyValuePairs from '@cloudscape-design/components/key-value-pairs';
import type { ReactNode } from 'react';
import { useAll } from '../api/pages';
import type { Capacity, Host } from '../api/types';
import { CapacityBar } from '../hosts/CapacityBar';
import { hosts } from '../hosts/hosts';
import { useFormat } from '../i18n/format';
import { useText } from '../i18n/text';
import { RouteLink } from '../ui/RouteLink';

/** All hosts together, for operators. */
export function HostCapacity(): ReactNode {
  const t = useText();
  const format = useFormat();
  const all = useAll([hosts.key], hosts.list);
  if (all.data === undefined) return null;
  const sum = (pick: (host: Host) => Capacity, field: keyof Capacity) => all.data.reduce((total, host) => total + pick(host)[field], 0);
  const bar = (field: keyof Capacity, label: string, show: (amount: number) => string) => ({
    label, value: <CapacityBar used={sum((h) => h.allocated, field)} total={sum((h) => h.capacity, field)} show={show} label={label} />,
  });
  return (
    <Container
      header={
        <Header variant="h2" actions={<RouteLink to="/hosts">{t('nav.hosts')}</RouteLink>} description={all.data.length > 0 && t('dashboard.hostsUp', { up: all.data.filter((h) => h.state === 'up').length, total: all.data.length })}>
          {t('dashboard.hosts')}
        </Header>
      }
    >
      {all.data.length === 0
        ? <Box color="text-body-secondary">{t('dashboard.noHosts')}</Box>
        : <KeyValuePairs columns={3} items={[bar('vcpus', t('host.vcpus'), format.number), bar('memoryMib', t('host.memory'), format.mib), bar('diskGib', t('host.disk'), format.gib)]} />}
    </Container>
  );
}
