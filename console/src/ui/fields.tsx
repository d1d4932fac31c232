import FormField, { type FormFieldProps } from '@cloudscape-design/components/form-field';
import Input, { type InputProps } from '@cloudscape-design/components/input';
import type { ReactNode } from 'react';
import { useText } from '../i18n/text';
import type { Form } from './useForm';

type TextFields<V> = { [K in keyof V]: V[K] extends string ? K : never }[keyof V] & string;

interface Props<V> extends Pick<FormFieldProps, 'description' | 'constraintText' | 'stretch'>, Pick<InputProps, 'type' | 'placeholder' | 'autoFocus' | 'inputMode' | 'autoComplete'> {
  form: Form<V>;
  field: TextFields<V>;
  label: string;
  optional?: boolean;
  testId?: string;
}

/** A one-line field of a form, with its error. */
export function TextField<V>({ form, field, label, optional, testId, description, constraintText, stretch, ...input }: Props<V>): ReactNode {
  return (
    <FormField label={<Label text={label} optional={optional === true} />} description={description} constraintText={constraintText} stretch={stretch} errorText={form.errorOf(field)}>
      <Input
        {...input} value={form.values[field] as string} spellcheck={false} autoComplete={input.autoComplete ?? false} ariaRequired={optional !== true}
        onChange={(e) => form.set(field, e.detail.value as (V[TextFields<V>]))}
        {...(testId === undefined ? {} : { nativeInputAttributes: { 'data-testid': testId } })}
      />
    </FormField>
  );
}

export function Label({ text, optional }: { text: string; optional: boolean }): ReactNode {
  const t = useText();
  return optional ? <>{text} <span className="kumoi-optional">({t('ui.optional')})</span></> : text;
}
