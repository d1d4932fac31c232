import FormField from '@cloudscape-design/components/form-field';
import Select from '@cloudscape-design/components/select';
import SpaceBetween from '@cloudscape-design/components/space-between';
import type { ReactNode } from 'react';
import { useAll } from '../../api/pages';
import { useText } from '../../i18n/text';
import { networks } from '../../networks/networks';
import { SecurityGroupPicker } from '../../security-groups/SecurityGroupPicker';
import { Label } from '../../ui/fields';
import type { Form } from '../../ui/useForm';
import type { LaunchValues } from './launch';

export function NetworkFields({ form }: { form: Form<LaunchValues> }): ReactNode {
  const t = useText();
  const all = useAll([networks.key], networks.list);
  const byDefault = { value: '', label: t('launch.networkDefault') };
  const options = [byDefault, ...(all.data ?? []).map((n) => ({ value: n.id, label: n.name, description: n.subnets.map((s) => s.cidr).join(', ') }))];
  return (
    <SpaceBetween size="l">
      <FormField label={t('instance.network')} errorText={form.errorOf('network')}>
        <Select
          selectedOption={options.find((o) => o.value === form.values.network) ?? byDefault} options={options} data-testid="launch-network"
          statusType={all.isPending ? 'loading' : 'finished'} filteringType={options.length > 10 ? 'auto' : 'none'}
          onChange={(e) => form.set('network', e.detail.selectedOption.value ?? '')}
        />
      </FormField>
      <FormField label={<Label text={t('instance.securityGroups')} optional />} description={t('launch.groupsHint')} errorText={form.errorOf('securityGroups')}>
        <SecurityGroupPicker chosen={form.values.securityGroups} choose={(ids) => form.set('securityGroups', ids)} />
      </FormField>
    </SpaceBetween>
  );
}
