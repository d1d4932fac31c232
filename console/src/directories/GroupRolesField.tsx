import AttributeEditor from '@cloudscape-design/components/attribute-editor';
import FormField from '@cloudscape-design/components/form-field';
import Input from '@cloudscape-design/components/input';
import type { ReactNode } from 'react';
import type { GroupRole } from '../api/types';
import { useText } from '../i18n/text';
import { Label } from '../ui/fields';
import type { Form } from '../ui/useForm';
import type { Kind } from './directories';

interface Values {
  readonly groupRoles: readonly GroupRole[];
}

/** Roles by group, one pair in a line. */
export function GroupRolesField({ form, kind }: { form: Form<Values>; kind: Kind }): ReactNode {
  const t = useText();
  const { groupRoles } = form.values;
  const put = (at: number, change: Partial<GroupRole>) => form.set('groupRoles', groupRoles.map((row, i) => (i === at ? { ...row, ...change } : row)));
  const input = (part: keyof GroupRole) => (row: GroupRole, at: number) => (
    <Input value={row[part]} spellcheck={false} autoComplete={false} ariaRequired onChange={(e) => put(at, { [part]: e.detail.value })} nativeInputAttributes={{ 'data-testid': `directory-${part}-${at}` }} />
  );
  const error = (part: keyof GroupRole) => (_: GroupRole, at: number) => form.errorOf(`groupRoles[${at}].${part}`);
  return (
    <FormField stretch label={<Label text={t('directory.groupRoles')} optional />} description={t(`directory.groupRolesHint.${kind}`)} errorText={form.errorOf('groupRoles')}>
      <AttributeEditor<GroupRole>
        gridLayout={[{ rows: [[2, 1]], removeButton: { width: 'auto' } }]} items={groupRoles} addButtonText={t('directory.addGroup')} removeButtonAriaLabel={(row) => t('tags.remove', { key: row.group })}
        definition={[{ label: t(`directory.group.${kind}`), control: input('group'), errorText: error('group') }, { label: t('role.one'), control: input('role'), errorText: error('role') }]}
        onAddButtonClick={() => form.set('groupRoles', [...groupRoles, { group: '', role: '' }])} onRemoveButtonClick={(e) => form.set('groupRoles', groupRoles.filter((_, at) => at !== e.detail.itemIndex))}
      />
    </FormField>
  );
}
