import type { ReactNode } from 'react';
import { useNavigate } from 'react-router';
import type { Snapshot } from '../api/types';
import { useFormat } from '../i18n/format';
import { useText } from '../i18n/text';
import { TextField } from '../ui/fields';
import { FormDialog } from '../ui/FormDialog';
import { TagsField } from '../ui/TagsField';
import { useForm } from '../ui/useForm';
import { DeleteOnTermination } from '../volumes/DeleteOnTermination';
import { TypeField } from '../volumes/TypeField';
import { checkCopy, copyRequest, volumes, type CopyValues } from '../volumes/volumes';
import { checkCopySize } from './snapshots';

/** Makes a volume that begins with a snapshot, and goes to it: there its copying is seen. */
export function VolumeFromSnapshotDialog({ snapshot, close }: { snapshot: Snapshot; close: () => void }): ReactNode {
  const t = useText();
  const format = useFormat();
  const navigate = useNavigate();
  const form = useForm({
    initial: { name: '', sizeGib: '', type: '', deleteOnTermination: false, tags: [] }, check: (v: CopyValues) => checkCopy(v, checkCopySize(v.sizeGib, snapshot.sizeGib)),
    send: (v) => volumes.create(copyRequest(v, { snapshot: snapshot.id })),
    done: (made) => {
      close();
      void navigate(`/volumes/${made.id}`);
    },
  });
  return (
    <FormDialog title={t('snapshot.newVolumeTitle', { name: snapshot.name })} action={t('ui.create')} form={form} close={close}>
      <TextField form={form} field="name" label={t('ui.name')} autoFocus testId="volume-name" />
      <TextField form={form} field="sizeGib" label={t('volume.sizeGib')} constraintText={t('snapshot.sizeHint', { least: format.number(snapshot.sizeGib) })} inputMode="numeric" optional testId="volume-size" />
      <TypeField form={form} />
      <DeleteOnTermination checked={form.values.deleteOnTermination} change={(next) => form.set('deleteOnTermination', next)} />
      <TagsField form={form} />
      <div>{t('snapshot.newVolumeAbout')}</div>
    </FormDialog>
  );
}
