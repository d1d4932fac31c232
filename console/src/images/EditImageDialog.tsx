import Checkbox from '@cloudscape-design/components/checkbox';
import { useState, type ReactNode } from 'react';
import type { Image } from '../api/types';
import { useText } from '../i18n/text';
import { useMay } from '../session/permissions';
import { TextField } from '../ui/fields';
import { FormDialog } from '../ui/FormDialog';
import { LinesField } from '../ui/LinesField';
import { useForm } from '../ui/useForm';
import { checkImage, images, imageUpdate, imageValues } from './images';
import { MachineFields } from './MachineFields';
import { VisibilityField } from './VisibilityField';

export function EditImageDialog({ image, close, done }: { image: Image; close: () => void; done: (changed: Image) => void }): ReactNode {
  const t = useText();
  const may = useMay();
  // What it was when the dialog opened: live updates must not change what counts as a change.
  const [first] = useState(() => imageValues(image));
  const form = useForm({
    initial: first, check: checkImage, send: (v) => images.update(image.id, imageUpdate(v, first)),
    done: (changed) => { done(changed); close(); },
  });
  return (
    <FormDialog title={t('image.editTitle', { name: image.name })} action={t('ui.save')} form={form} close={close} wide>
      <TextField form={form} field="name" label={t('ui.name')} autoFocus testId="image-name" />
      <TextField form={form} field="description" label={t('ui.description')} optional stretch testId="image-description" />
      <TextField form={form} field="os" label={t('image.os')} placeholder="debian" optional testId="image-os" />
      <TextField form={form} field="defaultUser" label={t('image.defaultUser')} testId="image-user" />
      <TextField form={form} field="minDiskGib" label={t('image.minDisk')} constraintText={t('image.minHint')} inputMode="numeric" testId="image-min-disk" />
      <TextField form={form} field="minMemoryMib" label={t('image.minMemory')} constraintText={t('image.minHint')} inputMode="numeric" testId="image-min-memory" />
      <MachineFields form={form} />
      <div>{t('image.machineLater')}</div>
      {may('images:publish', 'cloud') && <VisibilityField form={form} />}
      {form.values.visibility === 'private' && <LinesField form={form} field="accounts" label={t('image.sharedWith')} description={t('image.sharedHint')} placeholder="acme" optional testId="image-accounts" />}
      <Checkbox checked={form.values.deprecated} onChange={(e) => form.set('deprecated', e.detail.checked)} description={t('image.deprecatedHint')} data-testid="image-deprecated">{t('image.deprecated')}</Checkbox>
    </FormDialog>
  );
}
