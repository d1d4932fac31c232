import FormField from '@cloudscape-design/components/form-field';
import RadioGroup from '@cloudscape-design/components/radio-group';
import type { ReactNode } from 'react';
import { useText } from '../i18n/text';
import type { Form } from '../ui/useForm';

/** Who may launch from an image. */
export function VisibilityField<V extends { readonly visibility: string }>({ form }: { form: Form<V> }): ReactNode {
  const t = useText();
  return (
    <FormField label={t('image.visibility')} errorText={form.errorOf('visibility')}>
      <RadioGroup
        value={form.values.visibility} onChange={(e) => form.set('visibility', e.detail.value as V['visibility'])} data-testid="image-visibility"
        items={[
          { value: 'private', label: t('image.visibility.private'), description: t('image.visibilityPrivateHint') },
          { value: 'public', label: t('image.visibility.public'), description: t('image.visibilityPublicHint') },
        ]}
      />
    </FormField>
  );
}
