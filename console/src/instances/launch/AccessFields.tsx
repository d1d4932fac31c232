import Button from '@cloudscape-design/components/button';
import FormField from '@cloudscape-design/components/form-field';
import Select from '@cloudscape-design/components/select';
import { useState, type ReactNode } from 'react';
import { useAll } from '../../api/pages';
import { useText } from '../../i18n/text';
import { CreateKeyPairDialog } from '../../key-pairs/CreateKeyPairDialog';
import { keyPairs } from '../../key-pairs/keyPairs';
import type { Form } from '../../ui/useForm';
import type { LaunchValues } from './launch';

export function AccessFields({ form }: { form: Form<LaunchValues> }): ReactNode {
  const t = useText();
  const all = useAll([keyPairs.key], keyPairs.list);
  const [creating, setCreating] = useState(false);
  const none = { value: '', label: t('launch.keyPairNone') };
  const options = [none, ...(all.data ?? []).map((k) => ({ value: k.id, label: k.name, description: `${k.type} · ${k.fingerprint}` }))];
  return (
    <>
      <FormField
        label={t('instance.keyPair')} description={t('launch.keyPairHint')} errorText={form.errorOf('keyPair')}
        secondaryControl={<Button formAction="none" onClick={() => setCreating(true)} data-testid="launch-create-key-pair">{t('launch.keyPairCreate')}</Button>}
      >
        <Select
          selectedOption={options.find((o) => o.value === form.values.keyPair) ?? none} options={options} data-testid="launch-key-pair"
          statusType={all.isPending ? 'loading' : 'finished'} filteringType={options.length > 10 ? 'auto' : 'none'}
          onChange={(e) => form.set('keyPair', e.detail.selectedOption.value ?? '')}
        />
      </FormField>
      {creating && (
        <CreateKeyPairDialog
          close={() => setCreating(false)}
          created={async (made) => {
            await all.refetch();
            form.set('keyPair', made.id);
          }}
        />
      )}
    </>
  );
}
