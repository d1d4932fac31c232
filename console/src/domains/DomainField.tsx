import type { ReactNode } from 'react';
import { useAll } from '../api/pages';
import { useText } from '../i18n/text';
import { SelectField } from '../ui/SelectField';
import type { Form } from '../ui/useForm';
import { domains } from './domains';

/** A domain of those that one sees, by its path. */
export function DomainField<V extends { readonly domain: string }>({ form }: { form: Form<V> }): ReactNode {
  const t = useText();
  const all = useAll([domains.key], domains.list);
  const options = [...(all.data ?? [])].sort((a, b) => a.path.localeCompare(b.path)).map((d) => ({ value: d.path, label: d.path }));
  return <SelectField form={form as unknown as Form<{ readonly domain: string }>} field="domain" label={t('account.domain')} options={options} placeholder={t('account.domainHighest')} loading={all.isPending} testId="account-domain" />;
}
