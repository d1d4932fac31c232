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
import { Page } from '../ui/Page';
import { ProblemAlert } from '../ui/ProblemAlert';
import { RouteLink } from '../ui/RouteLink';
import { WriteButton } from '../ui/WriteButton';
import { HostCapacity } from './HostCapacity';
import { InstanceCounts } from './InstanceCounts';
import { LatestEvents } from './LatestEvents';

export function DashboardPage(): ReactNode {
  const t = useText();
  const format = useFormat();
  const may = useMay();
  const navigate = useNavigate();
  const { data: summary, error } = useQuery({ queryKey: ['summary'], queryFn: () => answer(api.GET('/api/v1/summary', {})), refetchInterval: resyncMs });
  const count = (to: string, value: number) => <RouteLink to={to} fontSize="heading-l">{format.number(value)}</RouteLink>;
  const amount = (text: string) => <Box fontSize="heading-l"><span style={{ whiteSpace: 'nowrap' }}>{text}</span></Box>;
  return (
    <Page trail={[{ text: t('dashboard.title'), href: '/' }]}>
      <SpaceBetween size="l">
        <Header
          variant="h1" description={summary && t('dashboard.of', { name: summary.account.name })}
          actions={<WriteButton needs="instances:write" variant="primary" onClick={() => void navigate('/instances/launch')} data-testid="launch-instance">{t('instance.launch')}</WriteButton>}
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
        <LatestEvents />
      </SpaceBetween>
    </Page>
  );
}
