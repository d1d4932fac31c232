import Button from '@cloudscape-design/components/button';
import FormField from '@cloudscape-design/components/form-field';
import SpaceBetween from '@cloudscape-design/components/space-between';
import Textarea from '@cloudscape-design/components/textarea';
import { useRef, type ReactNode } from 'react';
import { useText } from '../i18n/text';
import { Label } from '../ui/fields';
import type { Form } from '../ui/useForm';
import type { ListenerValues } from './listener';

interface Props {
  form: Form<ListenerValues>;
  field: 'certificate' | 'privateKey';
  label: string;
  description: string;
  begins: string;
  optional: boolean;
}

/** A text in PEM, pasted or read from a file. It leaves the page with the form, and not before. */
export function PemField({ form, field, label, description, begins, optional }: Props): ReactNode {
  const t = useText();
  const file = useRef<HTMLInputElement>(null);
  return (
    <FormField stretch label={<Label text={label} optional={optional} />} description={description} errorText={form.errorOf(field)}>
      <SpaceBetween size="xs">
        <div className="kumoi-mono">
          <Textarea
            value={form.values[field]} rows={4} spellcheck={false} autoComplete={false} placeholder={begins} onChange={(e) => form.set(field, e.detail.value)}
            nativeTextareaAttributes={{ 'data-testid': `listener-${field}` }}
          />
        </div>
        <Button formAction="none" iconName="upload" onClick={() => file.current?.click()}>{t('balancer.fromFile')}</Button>
        <input
          type="file" hidden ref={file} accept=".pem,.crt,.cer,.key" data-testid={`listener-${field}-file`}
          onChange={(e) => {
            void e.target.files?.[0]?.text().then((text) => form.set(field, text));
            e.target.value = '';
          }}
        />
      </SpaceBetween>
    </FormField>
  );
}
