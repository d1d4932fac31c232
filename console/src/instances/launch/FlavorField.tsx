import FormField from '@cloudscape-design/components/form-field';
import Select from '@cloudscape-design/components/select';
import type { ReactNode } from 'react';
import { useAll } from '../../api/pages';
import { flavors, sizeText } from '../../flavors/flavors';
import { useFormat } from '../../i18n/format';
import { useText } from '../../i18n/text';
import type { Form } from '../../ui/useForm';
import type { LaunchValues } from './launch';

export function FlavorField({ form }: { form: Form<LaunchValues> }): ReactNode {
  const t = useText();
  const format = useFormat();
  const all = useAll([flavors.key], flavors.list);
  const options = [...(all.data ?? [])]
    .sort((a, b) => a.vcpus - b.vcpus || a.memoryMib - b.memoryMib || a.diskGib - b.diskGib)
    .map((f) => ({ value: f.id, label: f.name, description: sizeText(t, format, f) }));
  return (
    <FormField label={t('instance.flavor')} errorText={form.errorOf('flavor')}>
      <Select
        selectedOption={options.find((o) => o.value === form.values.flavor) ?? null} options={options} placeholder={t('launch.flavorChoose')} triggerVariant="option"
        statusType={all.isPending ? 'loading' : 'finished'} filteringType={options.length > 10 ? 'auto' : 'none'} data-testid="launch-flavor"
        onChange={(e) => form.set('flavor', e.detail.selectedOption.value ?? '')}
      />
    </FormField>
  );
}
