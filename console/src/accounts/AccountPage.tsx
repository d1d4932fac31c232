import Button from '@cloudscape-design/components/button';
import Container from '@cloudscape-design/components/container';
import Header from '@cloudscape-design/components/header';
import KeyValuePairs from '@cloudscape-design/components/key-value-pairs';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { useQuery } from '@tanstack/react-query';
import { useState, type ReactNode } from 'react';
import { useParams } from 'react-router';
import { resyncMs } from '../api/pages';
import type { Quota } from '../api/types';
import { useFormat } from '../i18n/format';
import { useText } from '../i18n/text';
import { LimitDialog } from '../quotas/LimitDialog';
import { quotas } from '../quotas/quotas';
import { QuotaTable } from '../quotas/QuotaTable';
import { useAccount, useMay } from '../session/permissions';
import { useSwitch } from '../session/useSwitch';
import { Loading } from '../ui/Loading';
import { Page } from '../ui/Page';
import { ProblemAlert } from '../ui/ProblemAlert';
import { RouteLink } from '../ui/RouteLink';
import { WriteButton } from '../ui/WriteButton';
import { accounts, canTurn, type Turn } from './accounts';
import { AccountState } from './AccountState';
import { TurnDialog } from './TurnDialog';

/** An account of one's domains: its state, and what it may have. */
export function AccountPage(): ReactNode {
  const t = useText();
  const format = useFormat();
  const may = useMay();
  const acting = useAccount();
  const switchTo = useSwitch();
  const id = useParams()['id'] ?? '';
  const [turn, setTurn] = useState<Turn | null>(null);
  const [setting, set] = useState<Quota | null>(null);
  const { data: account, error, isPending } = useQuery({ queryKey: [accounts.key, 'one', id], queryFn: () => accounts.get(id), refetchInterval: resyncMs });
  const trail = [{ text: t('account.title'), href: '/accounts' }, { text: account?.name ?? id, href: `/accounts/${id}` }];
  if (isPending) return <Page trail={trail}><Loading /></Page>;
  if (account === undefined) return <Page trail={trail}><ProblemAlert failure={error} /></Page>;
  return (
    <Page trail={trail}>
      <SpaceBetween size="l">
        <Header
          variant="h1" description={<code>{account.id}</code>}
          actions={
            <SpaceBetween direction="horizontal" size="xs">
              {(['activate', 'suspend', 'close'] as const).filter((one) => canTurn(account, one)).map((one) => (
                <WriteButton key={one} needs="accounts:write" reach="domain" onClick={() => setTurn(one)} data-testid={`account-${one}`}>{t(`account.${one}`)}</WriteButton>
              ))}
              <Button variant="primary" disabled={account.id === acting} onClick={() => switchTo(account)} data-testid="account-act-for">{t('account.actFor')}</Button>
            </SpaceBetween>
          }
        >
          {account.name}
        </Header>
        <Container>
          <KeyValuePairs columns={4} items={[
            { label: t('ui.state'), value: <AccountState state={account.state} reason={account.stateReason} /> },
            { label: t('account.domain'), value: may('domains:read', 'domain') ? <RouteLink to={`/domains/${account.domain.id}`}>{account.domain.name}</RouteLink> : account.domain.name },
            { label: t('account.kind'), value: t.word('account.kind', account.kind) },
            { label: t('ui.created'), value: format.dateTime(account.createdAt) },
          ]} />
        </Container>
        {may('quotas:read', 'domain') && (
          <Container>
            <QuotaTable
              title={t('quota.title')} description={t('quota.ofAccount')} name={account.id} read={() => quotas.ofAccount(account.id)}
              actions={(chosen) => [<WriteButton key="set" needs="quotas:write" reach="domain" disabled={chosen === undefined} onClick={() => chosen && set(chosen)} data-testid="quota-set">{t('quota.set')}</WriteButton>]}
            />
          </Container>
        )}
      </SpaceBetween>
      {turn !== null && <TurnDialog account={account} turn={turn} close={() => setTurn(null)} />}
      {setting !== null && <LimitDialog of={account.name} quota={setting} kinds={['limit', 'none', 'default']} set={(body) => quotas.setOfAccount(account.id, body)} close={() => set(null)} />}
    </Page>
  );
}
