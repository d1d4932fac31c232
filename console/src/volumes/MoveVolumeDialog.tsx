import { type ReactNode } from 'react';
import { useAll } from '../api/pages';
import type { Volume } from '../api/types';
import { useText } from '../i18n/text';
import { pools } from '../pools/pools';
import { ConfirmDialog } from '../ui/ConfirmDialog';
import { TextField } from '../ui/fields';
import { FormDialog } from '../ui/FormDialog';
import { notify } from '../ui/notices';
import { SelectField } from '../ui/SelectField';
import { useForm } from '../ui/useForm';
import { checkMove, moveRequest, volumes } from './volumes';

interface Props {
  volume: Volume;
  close: () => void;
  done: (changed: Volume) => void;
}

/** Moves a volume that no guest has to another pool or host. */
export function MoveVolumeDialog({ volume, close, done }: Props): ReactNode {
  const t = useText();
  const { data } = useAll([pools.key], pools.list);
  const form = useForm({
    initial: { pool: '', host: '' }, check: (v) => checkMove(v, volume), send: (v) => volumes.move(volume.id, moveRequest(v)),
    done: (changed) => { done(changed); close(); },
  });
  return (
    <FormDialog title={t('volume.moveTitle', { name: volume.name })} action={t('volume.move')} form={form} close={close}>
      <div>{t('volume.moveAbout')}</div>
      <SelectField
        form={form} field="pool" label={t('volume.pool')} placeholder={t('volume.poolChoose')} loading={data === undefined} testId="move-pool"
        options={(data ?? []).map((p) => ({ value: p.id, label: p.name, description: t(`pool.sharedShort.${p.shared ? 'yes' : 'no'}`), ...(p.maintenance ? { disabled: true, labelTag: t('pool.state.maintenance') } : {}) }))}
      />
      <TextField form={form} field="host" label={t('volume.host')} constraintText={t('volume.moveHostHint')} optional testId="move-host" />
    </FormDialog>
  );
}

/** Gives a move up; the volume stays where it is. */
export function CancelMoveDialog({ volume, close, done }: Props): ReactNode {
  const t = useText();
  const run = async () => {
    done(await volumes.cancelMove(volume.id));
    notify({ type: 'success', saying: { key: 'volume.moveCancelled', values: { name: volume.name } } });
  };
  return (
    <ConfirmDialog title={t('volume.moveCancelTitle', { name: volume.name })} action={t('volume.moveCancel')} typed={null} run={run} close={close}>
      {t('volume.moveCancelBody')}
    </ConfirmDialog>
  );
}
