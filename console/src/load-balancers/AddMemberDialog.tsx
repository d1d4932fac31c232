import ColumnLayout from '@cloudscape-design/components/column-layout';
import type { ReactNode } from 'react';
import type { LoadBalancer } from '../api/types';
import { useText } from '../i18n/text';
import { TextField } from '../ui/fields';
import { FormDialog } from '../ui/FormDialog';
import { optional, violations } from '../ui/rules';
import { SelectField } from '../ui/SelectField';
import { useForm } from '../ui/useForm';
import { port } from './listener';
import { listenerName, loadBalancers } from './loadBalancers';
import { blankMember, memberRequest, weight } from './member';
import { useTargets } from './MemberFields';

/** Gives connections of one listener, or of every one, to another guest. */
export function AddMemberDialog({ balancer, close, done }: { balancer: LoadBalancer; close: () => void; done: () => void }): ReactNode {
  const t = useText();
  const { options, loading } = useTargets(balancer.network.id);
  const [only] = balancer.listeners.length === 1 ? balancer.listeners : [];
  const form = useForm({
    initial: { ...blankMember, listener: only?.id ?? '' },
    check: (v) => violations(['interface', v.interface === '' ? { key: 'rule.choose' } : null], ['port', optional(v.port, port)], ['weight', weight(v.weight)]),
    send: (v) => loadBalancers.addMember(balancer.id, { ...memberRequest(v), listener: v.listener === '' ? null : v.listener }),
    place: (path) => (path === 'instance' ? 'interface' : path), done: () => { done(); close(); },
  });
  return (
    <FormDialog title={t('balancer.memberAddTitle', { name: balancer.name })} action={t('ui.add')} form={form} close={close}>
      <SelectField form={form} field="interface" label={t('interface.instance')} placeholder={t('balancer.chooseInstance')} options={options} loading={loading} testId="add-member-interface" />
      {only === undefined && (
        <SelectField
          form={form} field="listener" label={t('balancer.listener')} testId="add-member-listener"
          options={[{ value: '', label: t('balancer.everyListener') }, ...balancer.listeners.map((l) => ({ value: l.id, label: listenerName(l) }))]}
        />
      )}
      <ColumnLayout columns={2}>
        <TextField form={form} field="port" label={t('balancer.memberPort')} constraintText={t('balancer.memberPortHint')} inputMode="numeric" optional testId="add-member-port" />
        <TextField form={form} field="weight" label={t('balancer.weight')} constraintText={t('balancer.weightHint')} inputMode="numeric" />
      </ColumnLayout>
    </FormDialog>
  );
}
