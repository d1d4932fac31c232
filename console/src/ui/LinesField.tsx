import FormField from '@cloudscape-design/components/form-field';
import Textarea from '@cloudscape-design/components/textarea';
import type { ReactNode } from 'react';
import { Label } from './fields';
import type { Form } from './useForm';

interface Props<V> {
  form: Form<V>;
  field: { [K in keyof V]: V[K] extends string ? K : never }[keyof V] & string;
  label: string;
  description: string;
  placeholder: string;
  optional?: boolean;
  testId: string;
}

/** A list of addresses and the like, one a line, with its error. */
export function LinesField<V>({ form, field, label, description, placeholder, optional, testId }: Props<V>): ReactNode {
  return (
    <FormField stretch label={<Label text={label} optional={optional === true} />} description={description} errorText={form.errorOf(field)}>
      <div className="kumoi-mono">
        <Textarea
          value={form.values[field] as string} rows={3} spellcheck={false} placeholder={placeholder} onChange={(e) => form.set(field, e.detail.value as V[typeof field])}
          nativeTextareaAttributes={{ 'data-testid': testId }}
        />
      </div>
    </FormField>
  );
}
