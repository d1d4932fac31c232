import type { ReactNode } from 'react';
import { useAll } from '../api/pages';
import { useText } from '../i18n/text';
import { SelectField } from '../ui/SelectField';
import type { Form } from '../ui/useForm';
import { givable, roles, type Place } from './roles';

/** A role to give somebody in an account or a domain. */
export function RoleField<V extends { readonly role: string }>({ form, place }: { form: Form<V>; place: Place }): ReactNode {
  const t = useText();
  const all = useAll([roles.key], roles.list);
  const options = givable(all.data ?? [], place).map((r) => ({
    value: r.name, label: r.builtIn ? t.word('role.name', r.name) : r.name, description: r.builtIn ? t.word('role.about', r.name) : r.description,
    ...(r.domain === null ? {} : { labelTag: r.domain.name }),
  }));
  // The field is of any form that has one.
  return <SelectField form={form as unknown as Form<{ readonly role: string }>} field="role" label={t('role.one')} options={options} placeholder={t('rule.choose')} loading={all.isPending} testId="membership-role" />;
}
