import AttributeEditor from '@cloudscape-design/components/attribute-editor';
import FormField from '@cloudscape-design/components/form-field';
import Input from '@cloudscape-design/components/input';
import type { ReactNode } from 'react';
import { accounts } from '../accounts/accounts';
import { useAll } from '../api/pages';
import type { GroupRole } from '../api/types';
import { domains } from '../domains/domains';
import { useText } from '../i18n/text';
import { Label, TextField } from '../ui/fields';
import { FormDialog } from '../ui/FormDialog';
import { notify } from '../ui/notices';
import { SelectField } from '../ui/SelectField';
import { useForm } from '../ui/useForm';
import { checkDirectory, directories, directoryOf, noDirectory } from './directories';

export function CreateDirectoryDialog({ close, created }: { close: () => void; created: () => void }): ReactNode {
  const t = useText();
  const everyAccount = useAll([accounts.key], accounts.list);
  const everyDomain = useAll([domains.key], domains.list);
  const form = useForm({
    initial: noDirectory, check: checkDirectory, send: (v) => directories.create(directoryOf(v)),
    done: (made) => {
      notify({ type: 'success', saying: { key: 'ui.created.notice', values: { name: made.name } } });
      created();
      close();
    },
  });
  const { groupRoles } = form.values;
  const put = (at: number, change: Partial<GroupRole>) => form.set('groupRoles', groupRoles.map((row, i) => (i === at ? { ...row, ...change } : row)));
  const input = (part: keyof GroupRole) => (row: GroupRole, at: number) => (
    <Input value={row[part]} spellcheck={false} autoComplete={false} ariaRequired onChange={(e) => put(at, { [part]: e.detail.value })} nativeInputAttributes={{ 'data-testid': `directory-${part}-${at}` }} />
  );
  const error = (part: keyof GroupRole) => (_: GroupRole, at: number) => form.errorOf(`groupRoles[${at}].${part}`);
  return (
    <FormDialog title={t('directory.create')} action={t('ui.add')} form={form} close={close} wide>
      <TextField form={form} field="name" label={t('ui.name')} autoFocus testId="directory-name" />
      <TextField form={form} field="url" label={t('directory.url')} constraintText={t('directory.urlHint')} inputMode="url" testId="directory-url" />
      <TextField form={form} field="baseDn" label={t('directory.baseDn')} placeholder="dc=example,dc=net" testId="directory-base" />
      <TextField form={form} field="bindDn" label={t('directory.bindDn')} constraintText={t('directory.bindDnHint')} placeholder="cn=search,dc=example,dc=net" optional testId="directory-bind" />
      <TextField form={form} field="bindPassword" type="password" label={t('directory.bindPassword')} constraintText={t('directory.bindPasswordHint')} autoComplete="off" optional testId="directory-bind-password" />
      <TextField form={form} field="userFilter" label={t('directory.userFilter')} constraintText={t('directory.userFilterHint', { brace: '{0}' })} optional testId="directory-filter" />
      <SelectField form={form} field="domain" label={t('directory.domain')} options={[{ value: '', label: t('directory.domainDefault') }, ...(everyDomain.data ?? []).map((d) => ({ value: d.id, label: d.path }))]} loading={everyDomain.isPending} testId="directory-domain" />
      <SelectField form={form} field="account" label={t('directory.account')} options={[{ value: '', label: t('directory.accountNone') }, ...(everyAccount.data ?? []).map((a) => ({ value: a.id, label: a.name, description: a.domain.name }))]} loading={everyAccount.isPending} testId="directory-account" />
      <TextField form={form} field="defaultRole" label={t('directory.defaultRole')} constraintText={t('directory.defaultRoleHint')} placeholder="reader" optional testId="directory-role" />
      <FormField stretch label={<Label text={t('directory.groupRoles')} optional />} description={t('directory.groupRolesHint')} errorText={form.errorOf('groupRoles')}>
        <AttributeEditor<GroupRole>
          gridLayout={[{ rows: [[2, 1]], removeButton: { width: 'auto' } }]} items={groupRoles} addButtonText={t('directory.addGroup')} removeButtonAriaLabel={(row) => t('tags.remove', { key: row.group })}
          definition={[{ label: t('directory.group'), control: input('group'), errorText: error('group') }, { label: t('role.one'), control: input('role'), errorText: error('role') }]}
          onAddButtonClick={() => form.set('groupRoles', [...groupRoles, { group: '', role: '' }])} onRemoveButtonClick={(e) => form.set('groupRoles', groupRoles.filter((_, at) => at !== e.detail.itemIndex))}
        />
      </FormField>
    </FormDialog>
  );
}
