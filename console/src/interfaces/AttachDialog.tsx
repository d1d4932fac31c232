import ColumnLayout from '@cloudscape-design/components/column-layout';
import FormField from '@cloudscape-design/components/form-field';
import type { ReactNode } from 'react';
import type { Instance } from '../api/types';
import { useText } from '../i18n/text';
import { useNetworkChoices } from '../networks/choices';
import { SecurityGroupPicker } from '../security-groups/SecurityGroupPicker';
import { Label, TextField } from '../ui/fields';
import { FormDialog } from '../ui/FormDialog';
import { address, isV6, optional, violations } from '../ui/rules';
import { SelectField } from '../ui/SelectField';
import { useForm } from '../ui/useForm';
import { interfaces } from './interfaces';

export function AttachDialog({ instance, close, done }: { instance: Instance; close: () => void; done: () => void }): ReactNode {
  const t = useText();
  const { networks, options, loading } = useNetworkChoices('offered');
  const form = useForm({
    initial: { network: '', address: '', address6: '', securityGroups: [] as readonly string[] },
    check: (v) => violations(['network', v.network === '' ? { key: 'rule.choose' } : null], ['address', optional(v.address, address)], ['address6', optional(v.address6, address)]),
    send: (v) => interfaces.attach({
      instance: instance.id, network: v.network, subnet: null, address: v.address === '' ? null : v.address, address6: v.address6 === '' ? null : v.address6,
      securityGroups: v.securityGroups.length === 0 ? null : [...v.securityGroups],
    }),
    done: () => { done(); close(); },
  });
  const chosen = networks?.find((n) => n.id === form.values.network);
  const both = chosen?.subnets.some((s) => isV6(s.cidr)) === true && chosen.subnets.some((s) => !isV6(s.cidr));
  return (
    <FormDialog title={t('interface.attachTitle', { name: instance.name })} action={t('interface.attach')} form={form} close={close}>
      <SelectField
        form={form} field="network" label={t('instance.network')} placeholder={t('interface.chooseNetwork')} loading={loading} options={options} testId="attach-network"
      />
      <ColumnLayout columns={both ? 2 : 1}>
        <TextField form={form} field="address" label={both ? t('interface.address4') : t('instance.address')} constraintText={t('interface.addressHint')} optional />
        {both && <TextField form={form} field="address6" label={t('interface.address6')} constraintText={t('interface.addressHint')} optional />}
      </ColumnLayout>
      <FormField label={<Label text={t('instance.securityGroups')} optional />} description={t('launch.groupsHint')} errorText={form.errorOf('securityGroups')}>
        <SecurityGroupPicker chosen={form.values.securityGroups} choose={(ids) => form.set('securityGroups', ids)} />
      </FormField>
    </FormDialog>
  );
}
