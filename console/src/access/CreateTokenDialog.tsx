import Alert from '@cloudscape-design/components/alert';
import Box from '@cloudscape-design/components/box';
import Button from '@cloudscape-design/components/button';
import Modal from '@cloudscape-design/components/modal';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { useState, type ReactNode } from 'react';
import { useText } from '../i18n/text';
import { Copy } from '../ui/Copy';
import { TextField } from '../ui/fields';
import { FormDialog } from '../ui/FormDialog';
import { name, violations, wholeNumber } from '../ui/rules';
import { useForm } from '../ui/useForm';
import { tokens } from './access';

const daysMax = 3650;

export function CreateTokenDialog({ close, created }: { close: () => void; created: () => void }): ReactNode {
  const t = useText();
  const [made, setMade] = useState<string | null>(null);
  const form = useForm({
    initial: { name: '', expiresInDays: '90' },
    check: (v) => violations(['name', name(v.name)], ['expiresInDays', v.expiresInDays === '' ? null : wholeNumber(v.expiresInDays, 1, daysMax)]),
    send: (v) => tokens.create({ name: v.name, expiresInDays: v.expiresInDays === '' ? null : Number(v.expiresInDays) }),
    done: (token) => { created(); setMade(token.token); },
  });
  if (made === null)
    return (
      <FormDialog title={t('access.create')} action={t('ui.create')} form={form} close={close}>
        <TextField form={form} field="name" label={t('ui.name')} autoFocus />
        <TextField form={form} field="expiresInDays" label={t('access.days')} constraintText={t('access.daysHint')} inputMode="numeric" optional />
      </FormDialog>
    );
  return (
    <Modal
      visible header={t('access.madeTitle', { name: form.values.name })} onDismiss={({ detail }) => { if (detail.reason !== 'overlay') close(); }} closeAriaLabel={t('ui.close')}
      footer={<Box float="right"><Button variant="primary" onClick={close}>{t('ui.done')}</Button></Box>}
    >
      <SpaceBetween size="m"><Alert type="warning">{t('access.once')}</Alert><Copy text={made} /></SpaceBetween>
    </Modal>
  );
}
