import type { ReactNode } from 'react';
import type { User } from '../api/types';
import { useText } from '../i18n/text';
import { TextField } from '../ui/fields';
import { FormDialog } from '../ui/FormDialog';
import { notify } from '../ui/notices';
import { violations } from '../ui/rules';
import { useForm } from '../ui/useForm';
import { newPassword, users } from './users';

/** A new password for one that was lost. */
export function SetPasswordDialog({ user, close }: { user: User; close: () => void }): ReactNode {
  const t = useText();
  const form = useForm({
    initial: { password: '', again: '' },
    check: (v) => violations(['password', newPassword(v.password)], ['again', v.again === v.password ? null : { key: 'rule.same' }]),
    send: (v) => users.update(user.id, { password: v.password, disabled: null }),
    done: () => {
      notify({ type: 'success', saying: { key: 'user.passwordSet', values: { name: user.name } } });
      close();
    },
  });
  return (
    <FormDialog title={t('user.setPasswordTitle', { name: user.name })} action={t('user.setPassword')} form={form} close={close}>
      <div>{t('user.setPasswordBody')}</div>
      <TextField form={form} field="password" type="password" label={t('access.new')} constraintText={t('user.passwordHint')} autoComplete="new-password" autoFocus testId="user-password" />
      <TextField form={form} field="again" type="password" label={t('access.again')} autoComplete="new-password" testId="user-password-again" />
    </FormDialog>
  );
}
