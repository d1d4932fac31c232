import Box from '@cloudscape-design/components/box';
import Button from '@cloudscape-design/components/button';
import ColumnLayout from '@cloudscape-design/components/column-layout';
import Container from '@cloudscape-design/components/container';
import FormField from '@cloudscape-design/components/form-field';
import Header from '@cloudscape-design/components/header';
import Select from '@cloudscape-design/components/select';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { useQueryClient } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { useNavigate, useSearchParams } from 'react-router';
import { useText } from '../i18n/text';
import { useNetworkChoices } from '../networks/choices';
import { TextField } from '../ui/fields';
import { notify } from '../ui/notices';
import { Page } from '../ui/Page';
import { ProblemAlert } from '../ui/ProblemAlert';
import { isV6 } from '../ui/rules';
import { useForm } from '../ui/useForm';
import { WriteButton } from '../ui/WriteButton';
import { balancerField, balancerRequest, blankBalancer, checkBalancer } from './create';
import { ListenerFields } from './ListenerFields';
import { loadBalancers, staleWithBalancers } from './loadBalancers';
import { blankMember } from './member';
import { MemberRows } from './MemberFields';

export function CreateLoadBalancerPage(): ReactNode {
  const t = useText();
  const navigate = useNavigate();
  const queries = useQueryClient();
  const [search] = useSearchParams();
  const { networks, options, loading } = useNetworkChoices('refused');
  const form = useForm({
    initial: { ...blankBalancer, network: search.get('network') ?? '' }, check: checkBalancer, place: balancerField, send: (v) => loadBalancers.create(balancerRequest(v)),
    done: (made) => {
      void queries.invalidateQueries({ predicate: (q) => (staleWithBalancers as readonly string[]).includes(String(q.queryKey[0])) });
      queries.setQueryData([loadBalancers.key, 'one', made.id], made);
      notify({ type: 'success', saying: { key: 'ui.created.notice', values: { name: made.name } } });
      void navigate(`/load-balancers/${made.id}`);
    },
  });
  const chosen = networks?.find((n) => n.id === form.values.network);
  const [v4, v6] = [chosen?.subnets.some((s) => !isV6(s.cidr)) === true, chosen?.subnets.some((s) => isV6(s.cidr)) === true];
  const choose = (network: string) => {
    form.set('network', network);
    // Who is a member is in the network: others are none.
    form.set('members', [blankMember, blankMember]);
    form.set('address', '');
    form.set('address6', '');
  };
  return (
    <Page trail={[{ text: t('balancer.title'), href: '/load-balancers' }, { text: t('balancer.create'), href: '/load-balancers/create' }]}>
      <form onSubmit={(e) => { e.preventDefault(); form.submit(); }}>
        <SpaceBetween size="l">
          <Header variant="h1">{t('balancer.create')}</Header>
          <Container header={<Header variant="h2">{t('balancer.basics')}</Header>}>
            <ColumnLayout columns={2}>
              <TextField form={form} field="name" label={t('ui.name')} autoFocus testId="balancer-name" />
              <TextField form={form} field="description" label={t('ui.description')} optional />
              <FormField label={t('instance.network')} description={t('balancer.networkHint')} errorText={form.errorOf('network')}>
                <Select
                  selectedOption={options.find((o) => o.value === form.values.network) ?? null} options={options} placeholder={t('interface.chooseNetwork')} expandToViewport
                  statusType={loading ? 'loading' : 'finished'} filteringType={options.length > 10 ? 'auto' : 'none'} data-testid="balancer-network" onChange={(e) => choose(e.detail.selectedOption.value ?? '')}
                />
              </FormField>
              {chosen !== undefined && <TextField form={form} field="address" label={v4 && v6 ? t('interface.address4') : t('instance.address')} description={t('balancer.addressHint')} constraintText={t('interface.addressHint')} optional />}
              {v4 && v6 && <TextField form={form} field="address6" label={t('interface.address6')} constraintText={t('interface.addressHint')} optional />}
            </ColumnLayout>
          </Container>
          <Container header={<Header variant="h2" description={t('balancer.listenerAbout')}>{t('balancer.listenerFirst')}</Header>}><ListenerFields form={form} /></Container>
          <Container header={<Header variant="h2" description={t('balancer.membersAbout')}>{t('balancer.members')}</Header>}>
            {form.values.network === '' ? <Box color="text-body-secondary">{t('balancer.membersLater')}</Box> : <MemberRows form={form} network={form.values.network} />}
          </Container>
          <ProblemAlert failure={form.failure} />
          <Box float="right">
            <SpaceBetween direction="horizontal" size="xs">
              <Button variant="link" formAction="none" onClick={() => void navigate('/load-balancers')}>{t('ui.cancel')}</Button>
              <WriteButton needs="load-balancers:write" variant="primary" formAction="submit" loading={form.busy} data-testid="balancer-submit">{t('ui.create')}</WriteButton>
            </SpaceBetween>
          </Box>
        </SpaceBetween>
      </form>
    </Page>
  );
}
