import type { ReactNode } from 'react';
import { useNavigate } from 'react-router';
import { useAll } from '../api/pages';
import type { Backup } from '../api/types';
import { useFormat } from '../i18n/format';
import { useText } from '../i18n/text';
import { pools } from '../pools/pools';
import { TextField } from '../ui/fields';
import { FormDialog } from '../ui/FormDialog';
import { useForm } from '../ui/useForm';
import { PoolField } from '../volumes/PoolField';
import { backups, checkRestore } from './backups';

/** Makes a volume from a backup, and goes to it: there its filling is seen. */
export function RestoreBackupDialog({ backup, close }: { backup: Backup; close: () => void }): ReactNode {
  const t = useText();
  const format = useFormat();
  const navigate = useNavigate();
  const places = useAll([pools.key], pools.list);
  const form = useForm({
    initial: { name: '', sizeGib: '', pool: '' }, check: (v) => checkRestore(v, backup.sizeGib, places.data?.some((p) => p.default) ?? true),
    send: (v) => backups.restore(backup.id, { name: v.name, pool: v.pool === '' ? null : v.pool, sizeGib: v.sizeGib === '' ? null : Number(v.sizeGib) }),
    done: (made) => {
      close();
      void navigate(`/volumes/${made.id}`);
    },
  });
  return (
    <FormDialog title={t('backup.restoreTitle', { name: backup.name })} action={t('backup.restore')} form={form} close={close}>
      <TextField form={form} field="name" label={t('ui.name')} autoFocus testId="volume-name" />
      <TextField form={form} field="sizeGib" label={t('volume.sizeGib')} constraintText={t('backup.sizeHint', { least: format.number(backup.sizeGib) })} inputMode="numeric" optional testId="volume-size" />
      <PoolField form={form} pools={places.data} about={false} />
      <div>{t('backup.restoreAbout')}</div>
    </FormDialog>
  );
}
