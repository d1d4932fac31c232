import FormField from '@cloudscape-design/components/form-field';
import type { ReactNode } from 'react';
import type { Role } from '../api/types';
import { domains } from '../domains/domains';
import { useAll } from '../api/pages';
import { useText } from '../i18n/text';
import { useMay } from '../session/permissions';
import { session } from '../session/session';
import { TextField } from '../ui/fields';
import { FormDialog } from '../ui/FormDialog';
import { notify } from '../ui/notices';
import { SelectField } from '../ui/SelectField';
import { useStore } from '../ui/store';
import { useForm, type Form } from '../ui/useForm';
import { checkRole, roleChange, roleOf, type RoleValues } from './roleForm';
import { PermissionGrid } from './PermissionGrid';
import { roles } from './roles';

/** Makes a role, or changes one. */
export function RoleDialog({ role, from, close, done }: { role: Role | null; from: Role | null; close: () => void; done: () => void }): ReactNode {
  const t = useText();
  const may = useMay();
  const form = useForm<RoleValues, Role>({
    initial: { name: role?.name ?? '', description: from?.builtIn === false ? from.description : '', permissions: from?.permissions ?? [], domain: role?.domain?.name ?? (may('roles:write') ? '' : 'choose') },
    check: (v) => checkRole(v, role === null),
    send: (v) => (role === null ? roles.create(roleOf(v)) : roles.update(role.id, roleChange(v))),
    done: (made) => {
      notify({ type: 'success', saying: { key: role === null ? 'ui.created.notice' : 'role.changed', values: { name: made.name } } });
      done();
      close();
    },
  });
  const { domain, permissions } = form.values;
  return (
    <FormDialog title={role === null ? t('role.create') : t('role.changeTitle', { name: role.name })} action={role === null ? t('ui.create') : t('ui.save')} form={form} close={close} wide>
      {role === null && <TextField form={form} field="name" label={t('ui.name')} autoFocus testId="role-name" />}
      <TextField form={form} field="description" label={t('ui.description')} optional testId="role-description" />
      {role === null && may('roles:write', 'domain') && <OfField form={form} />}
      <FormField stretch label={t('role.permissions')} description={t('role.permissionsHint')}>
        <PermissionGrid patterns={permissions} reach={domain === '' ? 'account' : domain === 'root' ? 'cloud' : 'domain'} change={(next) => form.set('permissions', next)} error={form.errorOf('permissions')} />
      </FormField>
    </FormDialog>
  );
}

/** Where a role is to be good: in the account, or in a domain and all that is beneath. */
function OfField({ form }: { form: Form<RoleValues> }): ReactNode {
  const t = useText();
  const may = useMay();
  const { self } = useStore(session);
  const all = useAll([domains.key], domains.list);
  const options = [
    ...(may('roles:write') ? [{ value: '', label: t('role.ofAccount', { name: self?.actingFor.name ?? '' }) }] : []),
    ...(all.data ?? []).map((d) => ({ value: d.path, label: t('role.ofDomain', { name: d.path }) })),
  ];
  return <SelectField form={form} field="domain" label={t('role.of')} description={t('role.ofHint')} options={options} placeholder={t('rule.choose')} loading={all.isPending} testId="role-of" />;
}
