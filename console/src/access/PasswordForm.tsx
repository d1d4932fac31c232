import Button from '@cloudscape-design/components/button';
import Container from '@cloudscape-design/components/container';
import Header from '@cloudscape-design/components/header';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { useState, type ReactNode } from 'react';
import { useText } from '../i18n/text';
import { TextField } from '../ui/fields';
import { notify } from '../ui/notices';
import { ProblemAlert } from '../ui/ProblemAlert';
import { required, violations } from '../ui/rules';
import { useForm } from '../ui/useForm';
import { newPassword } from '../users/users';
import { changePassword } from './access';

export function PasswordForm(): ReactNode {
  const [times, setTimes] = useState(0);
  return <Fields key={times} changed={() => setTimes((n) => n + 1)} />;
}

function Fields({ changed }: { changed: () => void }): ReactNode {
  const t = useText();
  const form = useForm({
    initial: { currentPassword: '', newPassword: '', again: '' },
    check: (v) => violations(
      ['currentPassword', required(v.currentPassword)], ['newPassword', newPassword(v.newPassword)], ['again', v.again === v.newPassword ? null : { key: 'rule.same' }]),
    send: (v) => changePassword({ currentPassword: v.currentPassword, newPassword: v.newPassword }),
    done: () => {
      notify({ type: 'success', saying: { key: 'access.changed' } });
      changed();
    },
  });
  return (
    <Container header={<Header variant="h2" description={t('access.passwordHint')}>{t('access.password')}</Header>}>
      <form onSubmit={(e) => { e.preventDefault(); form.submit(); }}>
        <SpaceBetween size="m">
          <ProblemAlert failure={form.failure} />
          <TextField form={form} field="currentPassword" type="password" label={t('access.current')} testId="password-current" autoComplete="current-password" />
          <TextField form={form} field="newPassword" type="password" label={t('access.new')} testId="password-new" constraintText={t('user.passwordHint')} autoComplete="new-password" />
          <TextField form={form} field="again" type="password" label={t('access.again')} testId="password-again" autoComplete="new-password" />
          <Button variant="primary" formAction="submit" loading={form.busy}>{t('access.password')}</Button>
        </SpaceBetween>
      </form>
    </Container>
  );
}
