import Alert from '@cloudscape-design/components/alert';
import type { ReactNode } from 'react';
import { useStale } from '../api/stale';
import type { Account } from '../api/types';
import { useText } from '../i18n/text';
import { TextField } from '../ui/fields';
import { FormDialog } from '../ui/FormDialog';
import { notify } from '../ui/notices';
import { useForm } from '../ui/useForm';
import { accounts, checkReason, staleWithAccounts, turns, type Turn } from './accounts';

/** Suspends, closes or activates an account. */
export function TurnDialog({ account, turn, close }: { account: Account; turn: Turn; close: () => void }): ReactNode {
  const t = useText();
  const stale = useStale();
  const form = useForm({
    initial: { reason: '' }, check: (v) => checkReason(v.reason),
    send: (v) => accounts.update(account.id, { name: null, state: turns[turn], reason: turn === 'activate' ? null : v.reason }),
    done: () => {
      notify({ type: 'success', saying: { key: `account.${turn}.done`, values: { name: account.name } } });
      stale(staleWithAccounts);
      close();
    },
  });
  return (
    <FormDialog title={t(`account.${turn}.title`, { name: account.name })} action={t(`account.${turn}`)} form={form} close={close}>
      {turn === 'activate' ? <div>{t('account.activate.body')}</div> : <Alert type="warning">{t(`account.${turn}.body`)}</Alert>}
      {turn !== 'activate' && <TextField form={form} field="reason" label={t('account.reason')} description={t('account.reasonHint')} optional autoFocus testId="account-reason" />}
    </FormDialog>
  );
}
