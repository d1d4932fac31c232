import FormField from '@cloudscape-design/components/form-field';
import RadioGroup from '@cloudscape-design/components/radio-group';
import Select from '@cloudscape-design/components/select';
import type { ReactNode } from 'react';
import { accounts } from '../accounts/accounts';
import { useAll } from '../api/pages';
import { useText } from '../i18n/text';
import { useMay } from '../session/permissions';
import { TextField } from '../ui/fields';
import { FormDialog } from '../ui/FormDialog';
import { name, violations } from '../ui/rules';
import { useForm } from '../ui/useForm';
import { newPassword, users } from './users';

const roles = ['admin', 'member', 'reader'] as const;

export function CreateUserDialog({ close, created }: { close: () => void; created: () => void }): ReactNode {
  const t = useText();
  const may = useMay();
  const form = useForm({
    initial: { name: '', password: '', role: 'member', account: '' },
    check: (v) => violations(['name', name(v.name)], ['password', newPassword(v.password)]),
    send: (v) => users.create({ name: v.name, password: v.password, role: v.role, account: v.account === '' ? null : v.account }),
    done: () => { created(); close(); },
  });
  return (
    <FormDialog title={t('user.create')} action={t('ui.create')} form={form} close={close}>
      <TextField form={form} field="name" label={t('ui.name')} autoFocus />
      <TextField form={form} field="password" type="password" label={t('session.password')} constraintText={t('user.passwordHint')} autoComplete="new-password" />
      <FormField label={t('user.role')} errorText={form.errorOf('role')}>
        <RadioGroup value={form.values.role} onChange={(e) => form.set('role', e.detail.value)} items={roles.map((r) => ({ value: r, label: t(`user.role.${r}`), description: t(`user.roleHint.${r}`) }))} />
      </FormField>
      {may.operate && <AccountField chosen={form.values.account} choose={(id) => form.set('account', id)} error={form.errorOf('account')} />}
    </FormDialog>
  );
}

function AccountField({ chosen, choose, error }: { chosen: string; choose: (id: string) => void; error: string | undefined }): ReactNode {
  const t = useText();
  const all = useAll([accounts.key], accounts.list);
  const own = { value: '', label: t('user.accountOwn') };
  const options = [own, ...(all.data ?? []).map((a) => ({ value: a.id, label: a.name }))];
  return (
    <FormField label={t('user.account')} errorText={error}>
      <Select selectedOption={options.find((o) => o.value === chosen) ?? own} options={options} filteringType={options.length > 10 ? 'auto' : 'none'} onChange={(e) => choose(e.detail.selectedOption.value ?? '')} />
    </FormField>
  );
}
