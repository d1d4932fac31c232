import type { ReactNode } from 'react';
import { useAll } from '../api/pages';
import { useFormat } from '../i18n/format';
import { useText } from '../i18n/text';
import { SelectField } from '../ui/SelectField';
import type { Form } from '../ui/useForm';
import { limitsText, volumeTypes } from '../volume-types/volumeTypes';

/** What a volume may be used for. */
export function TypeField<V extends { readonly type: string }>({ form, description }: { form: Form<V>; description?: string }): ReactNode {
  const t = useText();
  const format = useFormat();
  const all = useAll([volumeTypes.key], volumeTypes.list);
  // The values of the form are not known here; that they have a type is.
  return (
    <SelectField<{ readonly type: string }>
      form={form as unknown as Form<{ readonly type: string }>} field="type" label={t('volume.type')} description={description} loading={all.isPending} testId="volume-type"
      options={[{ value: '', label: t('volume.typeNone') }, ...(all.data ?? []).map((type) => ({ value: type.id, label: type.name, description: limitsText(t, format, type) }))]}
    />
  );
}
