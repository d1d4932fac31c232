import AttributeEditor from '@cloudscape-design/components/attribute-editor';
import FormField from '@cloudscape-design/components/form-field';
import Input from '@cloudscape-design/components/input';
import type { ReactNode } from 'react';
import { useText } from '../i18n/text';
import { Label } from './fields';
import { tagsMax, type Tag } from './tags';
import type { Form } from './useForm';

/** The tags of a resource, in rows that are added, changed and removed. */
export function TagsField<V extends { readonly tags: readonly Tag[] }>({ form: typed }: { form: Form<V> }): ReactNode {
  const t = useText();
  // The values of the form are not known here; that they have tags is.
  const form = typed as unknown as Form<{ readonly tags: readonly Tag[] }>;
  const { tags } = form.values;
  const put = (at: number, change: Partial<Tag>) => form.set('tags', tags.map((tag, i) => (i === at ? { ...tag, ...change } : tag)));
  const input = (part: keyof Tag) => (tag: Tag, at: number) => (
    <Input
      // A row that was just added is to be filled next.
      value={tag[part]} spellcheck={false} autoComplete={false} ariaRequired={part === 'key'} autoFocus={part === 'key' && tag.key === ''}
      onChange={(e) => put(at, { [part]: e.detail.value })} nativeInputAttributes={{ 'data-testid': `tag-${part}-${at}` }}
    />
  );
  const error = (part: keyof Tag) => (_: Tag, at: number) => form.errorOf(`tags[${at}].${part}`);
  return (
    <FormField stretch label={<Label text={t('tags.title')} optional />} errorText={form.errorOf('tags')}>
      <AttributeEditor<Tag>
        gridLayout={[{ rows: [[1, 1]], removeButton: { width: 'auto' } }]} items={tags} addButtonText={t('tags.add')} disableAddButton={tags.length >= tagsMax} removeButtonAriaLabel={(tag) => t('tags.remove', { key: tag.key })} data-testid="tags"
        {...(tags.length >= tagsMax ? { additionalInfo: t('tags.tooMany', { max: tagsMax }) } : {})}
        definition={[{ label: t('tags.key'), control: input('key'), errorText: error('key') }, { label: t('tags.value'), control: input('value'), errorText: error('value') }]}
        onAddButtonClick={() => form.set('tags', [...tags, { key: '', value: '' }])} onRemoveButtonClick={(e) => form.set('tags', tags.filter((_, at) => at !== e.detail.itemIndex))}
      />
    </FormField>
  );
}
