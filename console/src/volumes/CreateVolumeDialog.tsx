import type { ReactNode } from 'react';
import { useAll } from '../api/pages';
import type { Ref, Volume } from '../api/types';
import { useFormat } from '../i18n/format';
import { useText } from '../i18n/text';
import { images } from '../images/images';
import { pools } from '../pools/pools';
import { TextField } from '../ui/fields';
import { FormDialog } from '../ui/FormDialog';
import { notify } from '../ui/notices';
import { SelectField } from '../ui/SelectField';
import { TagsField } from '../ui/TagsField';
import { useForm } from '../ui/useForm';
import { DeleteOnTermination } from './DeleteOnTermination';
import { PoolField } from './PoolField';
import { TypeField } from './TypeField';
import { blankVolume, checkVolume, leastSize, volumeRequest, volumes, type VolumeValues } from './volumes';

/** Makes a volume; with an instance, it is attached to that one at once. */
export function CreateVolumeDialog({ instance, close, created }: { instance?: Ref; close: () => void; created: (made: Volume) => void }): ReactNode {
  const t = useText();
  const format = useFormat();
  const found = useAll([images.key, 'available'], (page) => images.list({ ...page, state: 'available' }));
  const places = useAll([pools.key], pools.list);
  const imageOf = (v: VolumeValues) => found.data?.find((i) => i.id === v.image);
  const form = useForm({
    initial: blankVolume,
    // Until the pools are known, the server is the one to say that there is no default.
    check: (v) => checkVolume(v, imageOf(v), places.data?.some((p) => p.default) ?? true),
    send: async (v) => {
      const made = await volumes.create(volumeRequest(v));
      if (instance === undefined) return made;
      try {
        const attached = await volumes.attach(made.id, { instance: instance.id, slot: null, deleteOnTermination: null });
        notify({ type: 'success', saying: { key: 'volume.attachNotice', values: { name: made.name } } });
        return attached;
      } catch (failure) {
        // The volume is there: to send the form again would make another.
        notify({ type: 'error', saying: { key: 'volume.madeOnly', values: { name: made.name } }, failures: [failure as Error], link: { to: `/volumes/${made.id}`, text: made.name } });
        return made;
      }
    },
    done: (made) => { close(); created(made); },
  });
  const least = leastSize(imageOf(form.values));
  return (
    <FormDialog title={instance === undefined ? t('volume.create') : t('volume.createAttachTitle', { name: instance.name })} action={t(instance === undefined ? 'ui.create' : 'volume.createAttach')} form={form} close={close}>
      <TextField form={form} field="name" label={t('ui.name')} autoFocus testId="volume-name" />
      <TextField
        form={form} field="sizeGib" label={t('volume.sizeGib')} constraintText={least === null ? t('volume.sizeHint') : t('volume.sizeHintImage', { least: format.number(least) })} inputMode="numeric"
        optional={form.values.image !== ''} testId="volume-size"
      />
      <PoolField form={form} pools={places.data} about />
      <TypeField form={form} />
      <SelectField
        form={form} field="image" label={t('volume.image')} loading={found.isPending} testId="volume-image"
        options={[{ value: '', label: t('volume.imageNone') }, ...(found.data ?? []).map((i) => ({ value: i.id, label: i.name, ...(i.virtualSizeBytes === null ? {} : { description: format.bytes(i.virtualSizeBytes) }) }))]}
      />
      <DeleteOnTermination checked={form.values.deleteOnTermination} change={(next) => form.set('deleteOnTermination', next)} />
      <TagsField form={form} />
    </FormDialog>
  );
}
