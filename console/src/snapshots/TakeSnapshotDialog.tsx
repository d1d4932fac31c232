import type { ReactNode } from 'react';
import type { Ref } from '../api/types';
import { useText } from '../i18n/text';
import { TextField } from '../ui/fields';
import { FormDialog } from '../ui/FormDialog';
import { notify } from '../ui/notices';
import { TagsField } from '../ui/TagsField';
import { useForm } from '../ui/useForm';
import { blankSnapshot, checkSnapshot, snapshotRequest, snapshots } from './snapshots';

interface Props {
  /** The volume, or the instance of which each volume is taken. */
  of: Ref;
  all: boolean;
  close: () => void;
  done: () => void;
}

export function TakeSnapshotDialog({ of, all, close, done }: Props): ReactNode {
  const t = useText();
  const form = useForm({
    initial: blankSnapshot, check: checkSnapshot,
    send: async (v) => {
      if (all) await snapshots.takeAll(of.id, snapshotRequest(v));
      else await snapshots.take(of.id, snapshotRequest(v));
      return v.name;
    },
    done: (name) => {
      notify({ type: 'success', saying: { key: 'snapshot.takeNotice', values: { name } } });
      done();
      close();
    },
  });
  return (
    <FormDialog title={t(all ? 'snapshot.takeAllTitle' : 'snapshot.takeTitle', { name: of.name })} action={t(all ? 'snapshot.takeAll' : 'snapshot.take')} form={form} close={close}>
      <TextField form={form} field="name" label={t('ui.name')} autoFocus testId="snapshot-name" {...(all ? { description: t('snapshot.takeAllAbout') } : {})} />
      <TextField form={form} field="description" label={t('ui.description')} optional testId="snapshot-description" />
      <TagsField form={form} />
      <div>{t('snapshot.takeAbout')}</div>
    </FormDialog>
  );
}
