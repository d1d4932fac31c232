import FormField from '@cloudscape-design/components/form-field';
import Multiselect from '@cloudscape-design/components/multiselect';
import type { ReactNode } from 'react';
import { useAll } from '../api/pages';
import { useText } from '../i18n/text';
import { Label } from '../ui/fields';
import type { Form } from '../ui/useForm';
import { accounts } from './accounts';

/** A list becomes one to search once it is longer than a glance. */
const searchFrom = 10;

/** The accounts that may use something, by id; with none chosen, all may, unless it is said otherwise. */
export function AccountsField<V extends { readonly accounts: readonly string[] }>({ form, description, testId, none }: { form: Form<V>; description: string; testId: string; none?: string }): ReactNode {
  const t = useText();
  const all = useAll([accounts.key], accounts.list);
  const options = (all.data ?? []).map((a) => ({ value: a.id, label: a.name }));
  return (
    <FormField label={<Label text={t('account.title')} optional />} description={description} errorText={form.errorOf('accounts')}>
      <Multiselect
        options={options} selectedOptions={options.filter((o) => form.values.accounts.includes(o.value))} placeholder={none ?? t('account.all')} filteringType={options.length > searchFrom ? 'auto' : 'none'} expandToViewport
        statusType={all.isPending ? 'loading' : 'finished'} onChange={(e) => form.set('accounts', e.detail.selectedOptions.flatMap((o) => o.value ?? []) as readonly string[] as V['accounts'])} data-testid={testId}
      />
    </FormField>
  );
}
