import { useState, type ReactNode } from 'react';
import type { Volume } from '../api/types';
import { useText } from '../i18n/text';
import { TextField } from '../ui/fields';
import { FormDialog } from '../ui/FormDialog';
import { violations } from '../ui/rules';
import { TagsField } from '../ui/TagsField';
import { useForm } from '../ui/useForm';
import { DeleteOnTermination } from './DeleteOnTermination';
import { TypeField } from './TypeField';
import { checkEdit, checkSize, editValues, volumes, volumeUpdate } from './volumes';

interface Props {
  volume: Volume;
  close: () => void;
  done: (changed: Volume) => void;
}

/** Lets a volume grow. */
export function ResizeDialog({ volume, close, done }: Props): ReactNode {
  const t = useText();
  const form = useForm({
    initial: { sizeGib: String(volume.sizeGib) }, check: (v) => violations(['sizeGib', checkSize(v.sizeGib, volume.sizeGib)]),
    send: (v) => volumes.update(volume.id, { name: null, sizeGib: Number(v.sizeGib), type: null, deleteOnTermination: null }),
    done: (changed) => { done(changed); close(); },
  });
  return (
    <FormDialog title={t('volume.resizeTitle', { name: volume.name })} action={t('volume.resize')} form={form} close={close}>
      <TextField form={form} field="sizeGib" label={t('volume.sizeGib')} constraintText={t('volume.resizeHint', { size: volume.sizeGib })} inputMode="numeric" autoFocus testId="volume-size" />
      <div>{t('volume.resizeAbout')}</div>
    </FormDialog>
  );
}

/** Renames and tags a volume, and changes what it may be used for and what becomes of it with its instance. */
export function EditVolumeDialog({ volume, close, done }: Props): ReactNode {
  const t = useText();
  // What it was when the dialog opened: live updates must not change what counts as a change.
  const [first] = useState(() => editValues(volume));
  const form = useForm({
    initial: first, check: checkEdit, send: (v) => volumes.update(volume.id, volumeUpdate(v, first)),
    done: (changed) => { done(changed); close(); },
  });
  return (
    <FormDialog title={t('volume.editTitle', { name: volume.name })} action={t('ui.save')} form={form} close={close}>
      <TextField form={form} field="name" label={t('ui.name')} autoFocus testId="volume-name" />
      <TypeField form={form} description={t('volume.typeHint')} />
      <DeleteOnTermination checked={form.values.deleteOnTermination} change={(next) => form.set('deleteOnTermination', next)} />
      <TagsField form={form} />
    </FormDialog>
  );
}
