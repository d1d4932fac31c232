import Checkbox from '@cloudscape-design/components/checkbox';
import FormField from '@cloudscape-design/components/form-field';
import { useQueryClient } from '@tanstack/react-query';
import { useState, type ReactNode } from 'react';
import { useAll } from '../api/pages';
import type { Instance } from '../api/types';
import { flavors, sizeText } from '../flavors/flavors';
import { useFormat } from '../i18n/format';
import { useText } from '../i18n/text';
import { TextField } from '../ui/fields';
import { FormDialog } from '../ui/FormDialog';
import { notify } from '../ui/notices';
import { SelectField } from '../ui/SelectField';
import { useForm } from '../ui/useForm';
import { instances } from './instances';
import { checkSettings, metadataWays, settingsOf, settingsUpdate } from './settings';

/** Changes an instance: its flavor while it is stopped; the rest at any time, without a restart. */
export function EditInstanceDialog({ instance, close }: { instance: Instance; close: () => void }): ReactNode {
  const t = useText();
  const format = useFormat();
  const queries = useQueryClient();
  const every = useAll([flavors.key], flavors.list);
  const [first] = useState(() => settingsOf(instance));
  const form = useForm({
    initial: first, check: checkSettings, send: (v) => instances.update(instance.id, settingsUpdate(v, first)),
    done: (changed) => {
      notify({ type: 'success', saying: { key: 'instance.changed', values: { name: changed.name } } });
      queries.setQueryData([instances.key, 'one', instance.id], changed);
      close();
    },
  });
  const stopped = instance.state === 'stopped';
  return (
    <FormDialog title={t('instance.editTitle', { name: instance.name })} action={t('ui.save')} form={form} close={close}>
      {stopped && <SelectField form={form} field="flavor" label={t('instance.flavor')} description={t('instance.flavorHint')} options={(every.data ?? []).map((f) => ({ value: f.id, label: f.name, description: sizeText(t, format, f) }))} loading={every.isPending} testId="instance-flavor" />}
      <FormField errorText={form.errorOf('terminationProtection')}>
        <Checkbox checked={form.values.terminationProtection} onChange={(e) => form.set('terminationProtection', e.detail.checked)} description={t('instance.protectionHint')} data-testid="instance-protection">{t('instance.protection')}</Checkbox>
      </FormField>
      <SelectField form={form} field="metadata" label={t('instance.metadata')} description={t('instance.metadataHint')} options={metadataWays.map((value) => ({ value, label: t(`instance.metadata.${value}`) }))} testId="instance-metadata" />
      <TextField form={form} field="metadataHopLimit" label={t('instance.hops')} constraintText={t('instance.hopsHint')} inputMode="numeric" testId="instance-hops" />
      <FormField errorText={form.errorOf('metadataTags')}>
        <Checkbox checked={form.values.metadataTags} onChange={(e) => form.set('metadataTags', e.detail.checked)} data-testid="instance-metadata-tags">{t('instance.metadataTags')}</Checkbox>
      </FormField>
    </FormDialog>
  );
}
