import Button from '@cloudscape-design/components/button';
import { useState, type ReactNode } from 'react';
import type { Whose } from '../alerts/alerts';
import { useStale } from '../api/stale';
import type { Contact } from '../api/types';
import { useText } from '../i18n/text';
import { TextField } from '../ui/fields';
import { FormDialog } from '../ui/FormDialog';
import { notify } from '../ui/notices';
import { ProblemAlert } from '../ui/ProblemAlert';
import { required, violations } from '../ui/rules';
import { useForm } from '../ui/useForm';
import { contacts, staleWithContacts } from './contacts';

/** Takes the code that was sent to a contact; sends another one if that is lost. */
export function VerifyDialog({ whose, contact, close }: { whose: Whose; contact: Contact; close: () => void }): ReactNode {
  const t = useText();
  const stale = useStale();
  const [sending, setSending] = useState(false);
  const [failure, setFailure] = useState<Error | null>(null);
  const form = useForm({
    initial: { code: '' }, check: (v) => violations(['code', required(v.code)]), send: (v) => contacts[whose].verify(contact.id, v.code.trim()),
    done: () => {
      notify({ type: 'success', saying: { key: 'contact.verified', values: { name: contact.name } } });
      stale(staleWithContacts);
      close();
    },
  });
  const send = async () => {
    setSending(true);
    setFailure(null);
    try {
      await contacts[whose].sendCode(contact.id);
      notify({ type: 'success', saying: { key: 'contact.codeSent', values: { name: contact.name } } });
    } catch (error) {
      setFailure(error as Error);
    } finally {
      setSending(false);
    }
  };
  return (
    <FormDialog title={t('contact.verifyTitle', { name: contact.name })} action={t('contact.verify')} form={form} close={close}>
      <ProblemAlert failure={failure} />
      <div>{t('contact.verifyHint', { address: contact.address })}</div>
      <TextField form={form} field="code" label={t('contact.code')} autoFocus autoComplete="one-time-code" testId="contact-code" />
      <Button formAction="none" loading={sending} onClick={() => void send()} data-testid="contact-send-code">{t('contact.sendCode')}</Button>
    </FormDialog>
  );
}
