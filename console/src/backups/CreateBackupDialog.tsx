import Checkbox from '@cloudscape-design/components/checkbox';
import type { ReactNode } from 'react';
import type { Ref } from '../api/types';
import { useText } from '../i18n/text';
import { TextField } from '../ui/fields';
import { FormDialog } from '../ui/FormDialog';
import { notify } from '../ui/notices';
import { name, optional, violations } from '../ui/rules';
import { useForm } from '../ui/useForm';
import { backups } from './backups';
import { StoreField } from './StoreField';

export function CreateBackupDialog({ volume, close, done }: { volume: Ref; close: () => void; done: () => void }): ReactNode {
  const t = useText();
  const form = useForm({
    initial: { name: '', incremental: true, store: '' }, check: (v) => violations(['name', optional(v.name, name)]),
    send: (v) => backups.create(volume.id, { name: v.name === '' ? null : v.name, incremental: v.incremental, store: v.store === '' ? null : v.store }),
    done: (made) => {
      notify({ type: 'success', saying: { key: 'backup.createNotice', values: { name: made.volume.name } }, link: { to: `/backups/${made.id}`, text: made.name } });
      done();
      close();
    },
  });
  return (
    <FormDialog title={t('backup.createTitle', { name: volume.name })} action={t('backup.create')} form={form} close={close}>
      <TextField form={form} field="name" label={t('ui.name')} autoFocus optional testId="backup-name" />
      <StoreField form={form} />
      <Checkbox checked={form.values.incremental} onChange={(e) => form.set('incremental', e.detail.checked)} data-testid="backup-incremental">{t('backup.incremental')}</Checkbox>
      <div>{t('backup.createAbout')}</div>
    </FormDialog>
  );
}
