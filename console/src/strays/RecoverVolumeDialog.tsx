import type { ReactNode } from 'react';
import { useNavigate } from 'react-router';
import { useStale } from '../api/stale';
import type { RecoverableVolume } from '../api/types';
import { useText } from '../i18n/text';
import { TextField } from '../ui/fields';
import { FormDialog } from '../ui/FormDialog';
import { name, violations } from '../ui/rules';
import { useForm } from '../ui/useForm';
import { recoverable, staleWithStrays } from './strays';

/** Takes a volume back, and goes to it. */
export function RecoverVolumeDialog({ volume, close }: { volume: RecoverableVolume; close: () => void }): ReactNode {
  const t = useText();
  const stale = useStale();
  const navigate = useNavigate();
  const form = useForm({
    initial: { name: volume.name }, check: (v) => violations(['name', name(v.name)]), send: (v) => recoverable.recover(volume.id, { name: v.name === volume.name ? null : v.name }),
    done: (made) => {
      stale(staleWithStrays);
      close();
      void navigate(`/volumes/${made.id}`);
    },
  });
  return (
    <FormDialog title={t('recover.recoverTitle', { name: volume.name })} action={t('recover.recover')} form={form} close={close}>
      <TextField form={form} field="name" label={t('ui.name')} constraintText={t('recover.nameHint')} autoFocus testId="volume-name" />
      <div>{t('stray.adoptAbout')}</div>
    </FormDialog>
  );
}
