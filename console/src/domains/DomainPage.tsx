import Container from '@cloudscape-design/components/container';
import Header from '@cloudscape-design/components/header';
import KeyValuePairs from '@cloudscape-design/components/key-value-pairs';
import SpaceBetween from '@cloudscape-design/components/space-between';
import Tabs from '@cloudscape-design/components/tabs';
import { useQuery } from '@tanstack/react-query';
import { useState, type ReactNode } from 'react';
import { useParams, useSearchParams } from 'react-router';
import { resyncMs } from '../api/pages';
import type { Quota } from '../api/types';
import { useFormat } from '../i18n/format';
import { useText } from '../i18n/text';
import { domainMembers } from '../members/members';
import { MemberTable } from '../members/MemberTable';
import { LimitDialog } from '../quotas/LimitDialog';
import { quotas } from '../quotas/quotas';
import { QuotaTable } from '../quotas/QuotaTable';
import { useMay } from '../session/permissions';
import { Loading } from '../ui/Loading';
import { Page } from '../ui/Page';
import { ProblemAlert } from '../ui/ProblemAlert';
import { RouteLink } from '../ui/RouteLink';
import { WriteButton } from '../ui/WriteButton';
import { domains } from './domains';

/** A domain: who has a role in it, and what its accounts may have together. */
export function DomainPage(): ReactNode {
  const t = useText();
  const format = useFormat();
  const may = useMay();
  const id = useParams()['id'] ?? '';
  const [search, setSearch] = useSearchParams();
  const [setting, set] = useState<Quota | null>(null);
  const { data: domain, error, isPending } = useQuery({ queryKey: [domains.key, 'one', id], queryFn: () => domains.get(id), refetchInterval: resyncMs });
  const trail = [{ text: t('domain.title'), href: '/domains' }, { text: domain?.path ?? id, href: `/domains/${id}` }];
  if (isPending) return <Page trail={trail}><Loading /></Page>;
  if (domain === undefined) return <Page trail={trail}><ProblemAlert failure={error} /></Page>;
  return (
    <Page trail={trail}>
      <SpaceBetween size="l">
        <Header variant="h1" description={<code>{domain.id}</code>}>{domain.path}</Header>
        <Container>
          <KeyValuePairs columns={3} items={[
            { label: t('domain.parent'), value: domain.parent === null ? '-' : may('domains:read', 'domain') ? <RouteLink to={`/domains/${domain.parent.id}`}>{domain.parent.name}</RouteLink> : domain.parent.name },
            { label: t('domain.accounts'), value: <RouteLink to={`/accounts?domain=${encodeURIComponent(domain.path)}`}>{format.number(domain.accounts)}</RouteLink> },
            { label: t('ui.created'), value: format.dateTime(domain.createdAt) },
          ]} />
        </Container>
        <Tabs
          activeTabId={search.get('tab') ?? 'members'} onChange={(e) => setSearch({ tab: e.detail.activeTabId }, { replace: true })}
          tabs={[
            { id: 'members', label: <span data-testid="tab-members">{t('member.title')}</span>, content: <MemberTable members={domainMembers(domain.id)} place={domain} title={t('member.title')} description={t('member.ofDomain')} within /> },
            ...(may('quotas:read', 'domain') ? [{
              id: 'quotas', label: <span data-testid="tab-quotas">{t('quota.title')}</span>,
              content: (
                <QuotaTable
                  title={t('quota.limits')} description={t('quota.ofDomain')} name={domain.id} read={() => quotas.ofDomain(domain.id)}
                  actions={(chosen) => [<WriteButton key="set" needs="quotas:write" reach="domain" disabled={chosen === undefined} onClick={() => chosen && set(chosen)} data-testid="quota-set">{t('quota.set')}</WriteButton>]}
                />
              ),
            }] : []),
          ]}
        />
      </SpaceBetween>
      {setting !== null && <LimitDialog of={domain.path} quota={setting} kinds={['limit', 'none']} set={(body) => quotas.setOfDomain(domain.id, body)} close={() => set(null)} />}
    </Page>
  );
}
