import SpaceBetween from '@cloudscape-design/components/space-between';
import type { ReactNode } from 'react';
import { useText } from '../i18n/text';
import { SelectField } from '../ui/SelectField';
import type { Form } from '../ui/useForm';

interface Machine {
  readonly firmware: string;
  readonly deviceModel: string;
}

/** The machine that an image is for. */
export function MachineFields<V extends Machine>({ form: typed }: { form: Form<V> }): ReactNode {
  const t = useText();
  // The values of the form are not known here; that they have these is.
  const form = typed as unknown as Form<Machine>;
  return (
    <SpaceBetween size="m">
      <SelectField form={form} field="firmware" label={t('image.firmware')} options={[{ value: 'bios', label: 'BIOS' }, { value: 'uefi', label: 'UEFI' }]} testId="image-firmware" />
      <SelectField
        form={form} field="deviceModel" label={t('image.deviceModel')} description={t('image.deviceModelHint')} testId="image-device-model"
        options={[{ value: 'virtio', label: t('image.deviceModel.virtio') }, { value: 'emulated', label: t('image.deviceModel.emulated') }]}
      />
    </SpaceBetween>
  );
}
