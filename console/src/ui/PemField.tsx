import Button from '@cloudscape-design/components/button';
import FormField from '@cloudscape-design/components/form-field';
import SpaceBetween from '@cloudscape-design/components/space-between';
import Textarea from '@cloudscape-design/components/textarea';
import { useRef, type ReactNode } from 'react';
import { useText } from '../i18n/text';
import { Label } from './fields';
import type { Form } from './useForm';

interface Props<V> {
  form: Form<V>;
  field: { [K in keyof V]: V[K] extends string ? K : never }[keyof V] & string;
  label: string;
  description: string;
  begins: string;
  optional: boolean;
  testId: string;
}

/** A text in PEM, pasted or read from a file. It leaves the page with the form, and not before. */
export function PemField<V>({ form, field, label, description, begins, optional, testId }: Props<V>): ReactNode {
  const t = useText();
  const file = useRef<HTMLInputElement>(null);
  const set = (text: string) => form.set(field, text as V[typeof field]);
  return (
    <FormField stretch label={<Label text={label} optional={optional} />} description={description} errorText={form.errorOf(field)}>
      <SpaceBetween size="xs">
        <div className="kumoi-mono">
          <Textarea
            value={form.values[field] as string} rows={4} spellcheck={false} autoComplete={false} placeholder={begins} onChange={(e) => set(e.detail.value)}
            nativeTextareaAttributes={{ 'data-testid': testId }}
          />
        </div>
        <Button formAction="none" iconName="upload" onClick={() => file.current?.click()}>{t('ui.fromFile')}</Button>
        <input
          type="file" hidden ref={file} accept=".pem,.crt,.cer,.key" data-testid={`${testId}-file`}
          onChange={(e) => {
            void e.target.files?.[0]?.text().then(set);
            e.target.value = '';
          }}
        />
      </SpaceBetween>
    </FormField>
  );
}
