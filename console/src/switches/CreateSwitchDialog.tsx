import type { ReactNode } from 'react';
import type { Switch } from '../api/types';
import { useText } from '../i18n/text';
import { TextField } from '../ui/fields';
import { FormDialog } from '../ui/FormDialog';
import { PemField } from '../ui/PemField';
import { useForm } from '../ui/useForm';
import { checkSwitch, switches, switchRequest } from './switches';

/** Names a switch, and how it is spoken to. */
export function CreateSwitchDialog({ close, created }: { close: () => void; created: (made: Switch) => void }): ReactNode {
  const t = useText();
  const form = useForm({
    initial: { name: '', url: '', token: '', authority: '' }, check: checkSwitch, send: (v) => switches.create(switchRequest(v)),
    done: (made) => { close(); created(made); },
  });
  return (
    <FormDialog title={t('switch.create')} action={t('ui.add')} form={form} close={close}>
      <TextField form={form} field="name" label={t('ui.name')} placeholder="sw1" autoFocus testId="switch-name" />
      <TextField form={form} field="url" label={t('switch.url')} description={t('switch.urlHint')} placeholder="https://sw1.example/kumoi/" stretch testId="switch-url" />
      <TextField form={form} field="token" label={t('switch.token')} description={t('switch.tokenHint')} type="password" autoComplete={false} stretch testId="switch-token" />
      <PemField form={form} field="authority" label={t('switch.authority')} description={t('switch.authorityHint')} begins="-----BEGIN CERTIFICATE-----" optional testId="switch-authority" />
    </FormDialog>
  );
}
