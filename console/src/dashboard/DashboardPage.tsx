import Box from '@cloudscape-design/components/box';
import Container from '@cloudscape-design/components/container';
import Grid from '@cloudscape-design/components/grid';
import Header from '@cloudscape-design/components/header';
import KeyValuePairs from '@cloudscape-design/components/key-value-pairs';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { useNavigate } from 'react-router';
import { answer, api } from '../api/client';
import { resyncMs } from '../api/pages';
import { useFormat } from '../i18n/format';
import { useText } from '../i18n/text';
import { useMay } from '../session/permissions';
import { session } from '../session/session';
import { lacking } from '../shell/sections';
import { Page } from '../ui/Page';
import { ProblemAlert } from '../ui/ProblemAlert';
import { RouteLink } from '../ui/RouteLink';
import { useStore } from '../ui/store';
import { WriteButton } from '../ui/WriteButton';
import { HostCapacity } from './HostCapacity';
import { InstanceCounts } from './InstanceCounts';
import { LatestEvents } from './LatestEvents';

export function DashboardPage(): ReactNode {
  const t = useText();
  const format = useFormat();
  const may = useMay();
  const navigate = useNavigate();
  const { self } = useStore(session);
  const { data: summary, error } = useQuery({ queryKey: ['summary'], queryFn: () => answer(api.GET('/api/v1/summary', {})), refetchInterval: resyncMs, enabled: may('summary:read') });
  const amount = (text: string) => <Box fontSize="heading-l"><span style={{ whiteSpace: 'nowrap' }}>{text}</span></Box>;
  const count = (to: string, value: number) => (lacking(to, may) === null ? <RouteLink to={to} fontSize="heading-l">{format.number(value)}</RouteLink> : amount(format.number(value)));
  return (
    <Page trail={[{ text: t('dashboard.title'), href: '/' }]}>
      <SpaceBetween size="l">
        <Header
          variant="h1" description={self && t('dashboard.of', { name: self.actingFor.name })}
          actions={may('instances:read') && <WriteButton needs="instances:write" variant="primary" onClick={() => void navigate('/instances/launch')} data-testid="launch-instance">{t('instance.launch')}</WriteButton>}
        >
          {t('dashboard.title')}
        </Header>
        <ProblemAlert failure={error} />
        {summary && (
          <SpaceBetween size="l">
            <InstanceCounts counts={summary.instances} />
            <Grid gridDefinition={[{ colspan: { default: 12, m: 5 } }, { colspan: { default: 12, m: 7 } }]}>
              <Container fitHeight header={<Header variant="h2">{t('dashboard.use')}</Header>}>
                <KeyValuePairs columns={3} minColumnWidth={80} items={[
                  { label: t('flavor.vcpus'), value: amount(format.number(summary.vcpus)) },
                  { label: t('flavor.memory'), value: amount(format.mib(summary.memoryMib)) },
                  { label: t('flavor.disk'), value: amount(format.gib(summary.diskGib)) },
                ]} />
              </Container>
              <Container fitHeight header={<Header variant="h2">{t('dashboard.more')}</Header>}>
                <KeyValuePairs columns={4} minColumnWidth={110} items={[
                  { label: t('nav.images'), value: count('/images', summary.images) },
                  { label: t('nav.key-pairs'), value: count('/key-pairs', summary.keyPairs) },
                  { label: t('nav.networks'), value: count('/networks', summary.networks) },
                  { label: t('nav.security-groups'), value: count('/security-groups', summary.securityGroups) },
                ]} />
              </Container>
            </Grid>
          </SpaceBetween>
        )}
        {may('hosts:read', 'cloud') && <HostCapacity />}
        {may('events:read') && <LatestEvents />}
        {!may('summary:read') && !may('events:read') && <Box color="text-body-secondary">{t('dashboard.nothing')}</Box>}
      </SpaceBetween>
    </Page>
  );
}
