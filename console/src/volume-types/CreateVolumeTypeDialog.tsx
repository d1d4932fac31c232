import Checkbox from '@cloudscape-design/components/checkbox';
import type { ReactNode } from 'react';
import { useText } from '../i18n/text';
import { TextField } from '../ui/fields';
import { FormDialog } from '../ui/FormDialog';
import { useForm } from '../ui/useForm';
import { checkVolumeType, volumeTypeRequest, volumeTypes } from './volumeTypes';

export function CreateVolumeTypeDialog({ close, created }: { close: () => void; created: () => void }): ReactNode {
  const t = useText();
  const form = useForm({
    initial: { name: '', iops: '', mibPerSecond: '', encrypted: false }, check: checkVolumeType, send: (v) => volumeTypes.create(volumeTypeRequest(v)),
    done: () => { created(); close(); },
  });
  return (
    <FormDialog title={t('volumeType.create')} action={t('ui.create')} form={form} close={close}>
      <TextField form={form} field="name" label={t('ui.name')} autoFocus testId="volume-type-name" />
      <TextField form={form} field="iops" label={t('volumeType.iops')} constraintText={t('volumeType.limitHint')} inputMode="numeric" optional testId="volume-type-iops" />
      <TextField form={form} field="mibPerSecond" label={t('volumeType.mib')} constraintText={t('volumeType.limitHint')} inputMode="numeric" optional testId="volume-type-mib" />
      <Checkbox checked={form.values.encrypted} onChange={(e) => form.set('encrypted', e.detail.checked)} description={t('volumeType.encryptedHint')} data-testid="volume-type-encrypted">{t('volumeType.encrypted')}</Checkbox>
    </FormDialog>
  );
}
