import FormField from '@cloudscape-design/components/form-field';
import RadioGroup from '@cloudscape-design/components/radio-group';
import type { ReactNode } from 'react';
import { useText } from '../i18n/text';
import { TextField } from '../ui/fields';
import { FormDialog } from '../ui/FormDialog';
import { name, violations } from '../ui/rules';
import { useForm } from '../ui/useForm';
import { placementGroups, policies } from './placementGroups';

export function CreatePlacementGroupDialog({ close, created }: { close: () => void; created: () => void }): ReactNode {
  const t = useText();
  const form = useForm({
    initial: { name: '', policy: policies[0] as string }, check: (v) => violations(['name', name(v.name)]), send: placementGroups.create,
    done: () => { created(); close(); },
  });
  return (
    <FormDialog title={t('placementGroup.create')} action={t('ui.create')} form={form} close={close}>
      <TextField form={form} field="name" label={t('ui.name')} autoFocus testId="placement-group-name" />
      <FormField label={t('placementGroup.policy')} errorText={form.errorOf('policy')}>
        <RadioGroup
          value={form.values.policy} onChange={(e) => form.set('policy', e.detail.value)}
          items={policies.map((policy) => ({ value: policy, label: policy, description: t(`placementGroup.${policy}`) }))}
        />
      </FormField>
    </FormDialog>
  );
}
