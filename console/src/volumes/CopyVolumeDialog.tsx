import { useState, type ReactNode } from 'react';
import { useNavigate } from 'react-router';
import type { Volume } from '../api/types';
import { useFormat } from '../i18n/format';
import { useText } from '../i18n/text';
import { TextField } from '../ui/fields';
import { FormDialog } from '../ui/FormDialog';
import { TagsField } from '../ui/TagsField';
import { useForm } from '../ui/useForm';
import { DeleteOnTermination } from './DeleteOnTermination';
import { TypeField } from './TypeField';
import { checkCopiedSize, checkCopy, copyRequest, volumes, type CopyValues } from './volumes';

/** Makes a copy of a volume, and goes to it: there its copying is seen. */
export function CopyVolumeDialog({ volume, close }: { volume: Volume; close: () => void }): ReactNode {
  const t = useText();
  const format = useFormat();
  const navigate = useNavigate();
  // Its type is what it may be used for, and is the copy's unless another is chosen; its name and tags are what tells it from others.
  const [first] = useState<CopyValues>(() => ({ name: '', sizeGib: '', type: volume.type?.id ?? '', deleteOnTermination: false, tags: [] }));
  const form = useForm({
    initial: first, check: (v) => checkCopy(v, checkCopiedSize(v.sizeGib, volume.sizeGib)), send: (v) => volumes.create(copyRequest(v, { volume: volume.id })),
    done: (made) => {
      close();
      void navigate(`/volumes/${made.id}`);
    },
  });
  return (
    <FormDialog title={t('volume.copyTitle', { name: volume.name })} action={t('ui.copy')} form={form} close={close}>
      <TextField form={form} field="name" label={t('ui.name')} autoFocus testId="volume-name" />
      <TextField form={form} field="sizeGib" label={t('volume.sizeGib')} constraintText={t('volume.copySizeHint', { least: format.number(volume.sizeGib), name: volume.name })} inputMode="numeric" optional testId="volume-size" />
      <TypeField form={form} />
      <DeleteOnTermination checked={form.values.deleteOnTermination} change={(next) => form.set('deleteOnTermination', next)} />
      <TagsField form={form} />
      <div>{t('volume.copyAbout')}</div>
    </FormDialog>
  );
}
