import { useState, type ReactNode } from 'react';
import type { AccessKeyCreated } from '../api/types';
import { useText } from '../i18n/text';
import { TextField } from '../ui/fields';
import { FormDialog } from '../ui/FormDialog';
import { LinesField } from '../ui/LinesField';
import { TextDialog } from '../ui/TextDialog';
import { useForm } from '../ui/useForm';
import { accessKeys, checkKey, envOf, keyOf, noKey } from './accessKeys';

const file = 'kumoi.env';

export function CreateAccessKeyDialog({ close, created }: { close: () => void; created: () => void }): ReactNode {
  const t = useText();
  const [made, setMade] = useState<AccessKeyCreated | null>(null);
  const form = useForm({
    initial: noKey, check: checkKey, send: (v) => accessKeys.create(keyOf(v)), place: (path) => path.replace(/^sourceRanges/, 'ranges'),
    done: (key) => { created(); setMade(key); },
  });
  if (made !== null)
    return (
      <TextDialog
        title={t('access.keyMade', { name: made.name ?? made.id })} about={t('access.keyEnv', { file })} once={{ notice: t('access.keyOnce'), kept: t('access.keyKept') }} fileName={file} text={envOf(made, location.origin)} testId="access-key" close={close}
      />
    );
  return (
    <FormDialog title={t('access.keyCreate')} action={t('ui.create')} form={form} close={close}>
      <TextField form={form} field="name" label={t('ui.name')} constraintText={t('access.keyNameHint')} optional autoFocus testId="access-key-name" />
      <TextField form={form} field="expiresInDays" label={t('access.days')} constraintText={t('access.daysHint')} inputMode="numeric" optional testId="access-key-days" />
      <LinesField form={form} field="ranges" label={t('access.ranges')} description={t('access.rangesHint')} placeholder={'203.0.113.0/24\n2001:db8::/32'} optional testId="access-key-ranges" />
    </FormDialog>
  );
}
