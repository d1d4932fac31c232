import Box from '@cloudscape-design/components/box';
import FormField from '@cloudscape-design/components/form-field';
import SpaceBetween from '@cloudscape-design/components/space-between';
import Tiles from '@cloudscape-design/components/tiles';
import type { ReactNode } from 'react';
import { useFormat } from '../../i18n/format';
import { useText } from '../../i18n/text';
import { TextField } from '../../ui/fields';
import { SelectField } from '../../ui/SelectField';
import type { Form } from '../../ui/useForm';
import { ImageField } from './ImageField';
import type { LaunchValues } from './launch';
import type { RootVolumes } from './rootVolumes';

/** What the instance starts from: a new volume that begins as an image, or one that is there. */
export function StartFields({ form, roots }: { form: Form<LaunchValues>; roots: RootVolumes }): ReactNode {
  const t = useText();
  const format = useFormat();
  const v = form.values;
  const volume = roots.all.find((one) => one.id === v.rootVolume);
  return (
    <SpaceBetween size="l">
      <FormField label={t('launch.start')} stretch>
        <Tiles
          columns={2} value={v.start} onChange={(e) => form.set('start', e.detail.value === 'volume' ? 'volume' : 'image')} data-testid="launch-start" ariaLabel={t('launch.start')}
          items={(['image', 'volume'] as const).map((value) => ({ value, label: t(`launch.start.${value}`), description: t(`launch.start.${value}Hint`) }))}
        />
      </FormField>
      {v.start === 'image' ? (
        <SpaceBetween size="l">
          <ImageField form={form} />
          <TextField form={form} field="diskGib" label={t('launch.diskGib')} constraintText={t('launch.diskGibHint')} inputMode="numeric" optional testId="launch-disk" />
        </SpaceBetween>
      ) : (
        <SpaceBetween size="l">
          <SelectField
            form={form} field="rootVolume" label={t('launch.rootVolume')} description={t('launch.rootVolumeHint')} placeholder={t(!roots.loading && roots.all.length === 0 ? 'launch.rootVolumeNone' : 'launch.rootVolumeChoose')}
            loading={roots.loading} testId="launch-root-volume"
            options={roots.all.map((one) => ({ value: one.id, label: one.name, description: [format.gib(one.sizeGib), one.image?.name, one.host?.name].filter(Boolean).join(' · ') }))}
          />
          {volume !== undefined && volume.image !== null && <Box color="text-body-secondary">{t('launch.rootVolumeMachine', { image: volume.image.name })}</Box>}
          {roots.needImage(v.rootVolume) && <ImageField form={form} description={t('launch.imageForMachine')} />}
        </SpaceBetween>
      )}
    </SpaceBetween>
  );
}
