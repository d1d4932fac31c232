import { useState, type ReactNode } from 'react';
import type { Snapshot } from '../api/types';
import { useText } from '../i18n/text';
import { TextField } from '../ui/fields';
import { FormDialog } from '../ui/FormDialog';
import { TagsField } from '../ui/TagsField';
import { useForm } from '../ui/useForm';
import { checkSnapshot, snapshots, snapshotUpdate, snapshotValues } from './snapshots';

export function EditSnapshotDialog({ snapshot, close, done }: { snapshot: Snapshot; close: () => void; done: (changed: Snapshot) => void }): ReactNode {
  const t = useText();
  // What it was when the dialog opened: live updates must not change what counts as a change.
  const [first] = useState(() => snapshotValues(snapshot));
  const form = useForm({
    initial: first, check: checkSnapshot, send: (v) => snapshots.update(snapshot.id, snapshotUpdate(v, first)),
    done: (changed) => { done(changed); close(); },
  });
  return (
    <FormDialog title={t('snapshot.editTitle', { name: snapshot.name })} action={t('ui.save')} form={form} close={close}>
      <TextField form={form} field="name" label={t('ui.name')} autoFocus testId="snapshot-name" />
      <TextField form={form} field="description" label={t('ui.description')} optional testId="snapshot-description" />
      <TagsField form={form} />
    </FormDialog>
  );
}
