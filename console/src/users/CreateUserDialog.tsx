import type { ReactNode } from 'react';
import { useText } from '../i18n/text';
import { RoleField } from '../roles/RoleField';
import { TextField } from '../ui/fields';
import { FormDialog } from '../ui/FormDialog';
import { notify } from '../ui/notices';
import { name, violations } from '../ui/rules';
import { useForm } from '../ui/useForm';
import { newPassword, users } from './users';

export function CreateUserDialog({ close, created }: { close: () => void; created: () => void }): ReactNode {
  const t = useText();
  const form = useForm({
    initial: { name: '', password: '', role: 'member' },
    check: (v) => violations(['name', name(v.name)], ['password', newPassword(v.password)]),
    send: (v) => users.create({ name: v.name, password: v.password, role: v.role, account: null }),
    done: (made) => {
      notify({ type: 'success', saying: { key: 'ui.created.notice', values: { name: made.name } } });
      created();
      close();
    },
  });
  return (
    <FormDialog title={t('user.create')} action={t('ui.create')} form={form} close={close}>
      <TextField form={form} field="name" label={t('ui.name')} description={t('user.nameHint')} autoFocus testId="user-name" />
      <TextField form={form} field="password" type="password" label={t('session.password')} constraintText={t('user.passwordHint')} autoComplete="new-password" testId="user-password" />
      <RoleField form={form} place="account" />
    </FormDialog>
  );
}
