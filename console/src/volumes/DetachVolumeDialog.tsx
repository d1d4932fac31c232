import type { ReactNode } from 'react';
import type { Volume } from '../api/types';
import { useText } from '../i18n/text';
import { ConfirmDialog } from '../ui/ConfirmDialog';
import { notify } from '../ui/notices';
import { volumes } from './volumes';

export function DetachVolumeDialog({ volume, close, done }: { volume: Volume; close: () => void; done: (detached: Volume) => void }): ReactNode {
  const t = useText();
  const run = async () => {
    const detached = await volumes.detach(volume.id);
    notify({ type: 'success', saying: { key: 'volume.detachNotice', values: { name: volume.name } } });
    done(detached);
  };
  return (
    <ConfirmDialog title={t('volume.detachTitle', { name: volume.name, instance: volume.instance?.name ?? '' })} action={t('volume.detach')} typed={null} run={run} close={close}>
      {t('volume.detachBody')}
    </ConfirmDialog>
  );
}
