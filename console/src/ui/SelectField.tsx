import FormField from '@cloudscape-design/components/form-field';
import Select, { type SelectProps } from '@cloudscape-design/components/select';
import type { ReactNode } from 'react';
import { Label } from './fields';
import type { Form } from './useForm';

/** A list becomes one to search once it is longer than a glance. */
const searchFrom = 10;

export interface Choice extends SelectProps.Option {
  value: string;
  label: string;
}

interface Props<V> {
  form: Form<V>;
  field: { [K in keyof V]: V[K] extends string ? K : never }[keyof V] & string;
  label: string;
  options: readonly Choice[];
  description?: ReactNode;
  placeholder?: string;
  loading?: boolean;
  optional?: boolean;
  testId?: string;
}

/** A choice of a form, with its error. */
export function SelectField<V>({ form, field, label, options, description, placeholder, loading, optional, testId }: Props<V>): ReactNode {
  return (
    <FormField label={<Label text={label} optional={optional === true} />} description={description} errorText={form.errorOf(field)}>
      <Select
        selectedOption={options.find((o) => o.value === form.values[field]) ?? null} options={options} {...(placeholder === undefined ? {} : { placeholder })} expandToViewport
        statusType={loading ? 'loading' : 'finished'} filteringType={options.length > searchFrom ? 'auto' : 'none'} {...(testId === undefined ? {} : { 'data-testid': testId })}
        onChange={(e) => form.set(field, (e.detail.selectedOption.value ?? '') as V[typeof field])}
      />
    </FormField>
  );
}
