import AttributeEditor from '@cloudscape-design/components/attribute-editor';
import FormField from '@cloudscape-design/components/form-field';
import Input from '@cloudscape-design/components/input';
import type { ReactNode } from 'react';
import { useText } from '../i18n/text';
import { Label } from './fields';
import { tagsMax, type Tag } from './tags';
import type { Form } from './useForm';

type RowFields<V> = { [K in keyof V]: V[K] extends readonly Tag[] ? K : never }[keyof V] & string;

interface Props<V> {
  form: Form<V>;
  field: RowFields<V>;
  label: string;
  description?: string;
  addText: string;
  testId: string;
}

/** The tags of a resource, in rows that are added, changed and removed. */
export function TagsField<V extends { readonly tags: readonly Tag[] }>({ form }: { form: Form<V> }): ReactNode {
  const t = useText();
  // The values of the form are not known here; that they have tags is.
  return <PairsField form={form as unknown as Form<{ readonly tags: readonly Tag[] }>} field="tags" label={t('tags.title')} addText={t('tags.add')} testId="tag" />;
}

/** Keys with their values, in rows. */
export function PairsField<V>({ form, field, label, description, addText, testId }: Props<V>): ReactNode {
  const t = useText();
  const rows = form.values[field] as readonly Tag[];
  const set = (next: readonly Tag[]) => form.set(field, next as V[RowFields<V>]);
  const put = (at: number, change: Partial<Tag>) => set(rows.map((tag, i) => (i === at ? { ...tag, ...change } : tag)));
  const input = (part: keyof Tag) => (tag: Tag, at: number) => (
    <Input
      // A row that was just added is to be filled next.
      value={tag[part]} spellcheck={false} autoComplete={false} ariaRequired={part === 'key'} autoFocus={part === 'key' && tag.key === ''}
      onChange={(e) => put(at, { [part]: e.detail.value })} nativeInputAttributes={{ 'data-testid': `${testId}-${part}-${at}` }}
    />
  );
  const error = (part: keyof Tag) => (_: Tag, at: number) => form.errorOf(`${field}[${at}].${part}`);
  return (
    <FormField stretch label={<Label text={label} optional />} description={description} errorText={form.errorOf(field)}>
      <AttributeEditor<Tag>
        gridLayout={[{ rows: [[1, 1]], removeButton: { width: 'auto' } }]} items={rows} addButtonText={addText} disableAddButton={rows.length >= tagsMax} removeButtonAriaLabel={(tag) => t('tags.remove', { key: tag.key })} data-testid={`${testId}s`}
        {...(rows.length >= tagsMax ? { additionalInfo: t('tags.tooMany', { max: tagsMax }) } : {})}
        definition={[{ label: t('tags.key'), control: input('key'), errorText: error('key') }, { label: t('tags.value'), control: input('value'), errorText: error('value') }]}
        onAddButtonClick={() => set([...rows, { key: '', value: '' }])} onRemoveButtonClick={(e) => set(rows.filter((_, at) => at !== e.detail.itemIndex))}
      />
    </FormField>
  );
}
