import type { ReactNode } from 'react';
import { useAll } from '../api/pages';
import type { Instance, Volume } from '../api/types';
import { useFormat } from '../i18n/format';
import { useText } from '../i18n/text';
import { instances } from '../instances/instances';
import { pools } from '../pools/pools';
import { TextField } from '../ui/fields';
import { FormDialog } from '../ui/FormDialog';
import { notify } from '../ui/notices';
import { optional, violations, wholeNumber } from '../ui/rules';
import { SelectField, type Choice } from '../ui/SelectField';
import { useForm } from '../ui/useForm';
import { DeleteOnTermination } from './DeleteOnTermination';
import { isElsewhere, slotMax, volumes } from './volumes';

interface Props {
  close: () => void;
  done: (attached: Volume) => void;
}

/** Chooses an instance for a volume. */
export function AttachToInstanceDialog({ volume, close, done }: Props & { volume: Volume }): ReactNode {
  const t = useText();
  const all = useAll([instances.key], instances.list);
  const places = useAll([pools.key], pools.list);
  const live = (all.data ?? []).filter((i) => i.desired !== 'terminated');
  const options = live.map((i) => ({ value: i.id, label: i.name, description: t.word('instance.state', i.state), ...(isElsewhere(volume, i, places.data) ? { labelTag: t('volume.elsewhere') } : {}) }));
  return (
    <AttachForm
      title={t('volume.attachTitle', { name: volume.name })} label={t('volume.instance')} placeholder={t(all.isSuccess && live.length === 0 ? 'volume.noInstances' : 'volume.chooseInstance')} loading={all.isPending} options={options} field="instance"
      volumeOf={() => volume} instanceOf={(chosen) => chosen} close={close} done={done}
    />
  );
}

/** Chooses a volume for an instance. */
export function AttachVolumeDialog({ instance, close, done }: Props & { instance: Instance }): ReactNode {
  const t = useText();
  const format = useFormat();
  const all = useAll([volumes.key, 'available'], (page) => volumes.list({ ...page, state: 'available' }));
  const places = useAll([pools.key], pools.list);
  const options = (all.data ?? []).map((v) => ({ value: v.id, label: v.name, description: `${format.gib(v.sizeGib)} · ${v.pool.name}`, ...(isElsewhere(v, instance, places.data) ? { labelTag: t('volume.elsewhere') } : {}) }));
  return (
    <AttachForm
      title={t('volume.attachToTitle', { name: instance.name })} label={t('volume.title')} placeholder={t(all.data?.length === 0 ? 'volume.noVolumes' : 'volume.chooseVolume')} loading={all.isPending} options={options} field="volume"
      volumeOf={(chosen) => all.data?.find((v) => v.id === chosen)} instanceOf={() => instance.id} close={close} done={done}
    />
  );
}

interface FormProps extends Props {
  title: string;
  label: string;
  placeholder: string;
  loading: boolean;
  options: readonly Choice[];
  /** The field of the request that the choice is. */
  field: 'instance' | 'volume';
  volumeOf: (chosen: string) => Volume | undefined;
  instanceOf: (chosen: string) => string;
}

function AttachForm({ title, label, placeholder, loading, options, field, volumeOf, instanceOf, close, done }: FormProps): ReactNode {
  const t = useText();
  const form = useForm({
    // What becomes of the volume with its instance stays as it is unless it is said.
    initial: { chosen: '', slot: '', deleteOnTermination: null as boolean | null },
    check: (v) => violations(['chosen', volumeOf(v.chosen) === undefined || v.chosen === '' ? { key: 'rule.choose' } : null], ['slot', optional(v.slot, (text) => wholeNumber(text, 0, slotMax))]),
    send: (v) => volumes.attach(volumeOf(v.chosen)?.id ?? '', { instance: instanceOf(v.chosen), slot: v.slot === '' ? null : Number(v.slot), deleteOnTermination: v.deleteOnTermination }),
    place: (path) => (path === field ? 'chosen' : path),
    done: (attached) => {
      notify({ type: 'success', saying: { key: 'volume.attachNotice', values: { name: attached.name } } });
      done(attached);
      close();
    },
  });
  const goes = form.values.deleteOnTermination ?? volumeOf(form.values.chosen)?.deleteOnTermination ?? false;
  return (
    <FormDialog title={title} action={t('volume.attach')} form={form} close={close}>
      <SelectField form={form} field="chosen" label={label} placeholder={placeholder} loading={loading} options={options} testId={`attach-${field}`} />
      <TextField form={form} field="slot" label={t('volume.slot')} constraintText={t('volume.slotHint', { max: slotMax })} inputMode="numeric" optional testId="attach-slot" />
      <DeleteOnTermination checked={goes} change={(next) => form.set('deleteOnTermination', next)} />
    </FormDialog>
  );
}
