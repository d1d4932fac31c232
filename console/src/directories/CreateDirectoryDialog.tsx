import type { ReactNode } from 'react';
import { accounts } from '../accounts/accounts';
import { useAll } from '../api/pages';
import { domains } from '../domains/domains';
import { useText } from '../i18n/text';
import { TextField } from '../ui/fields';
import { FormDialog } from '../ui/FormDialog';
import { notify } from '../ui/notices';
import { SelectField } from '../ui/SelectField';
import { useForm } from '../ui/useForm';
import { checkDirectory, directories, directoryOf, kinds, listings, noDirectory } from './directories';
import { GroupRolesField } from './GroupRolesField';

export function CreateDirectoryDialog({ close, created }: { close: () => void; created: () => void }): ReactNode {
  const t = useText();
  const everyAccount = useAll([accounts.key], accounts.list);
  const everyDomain = useAll([domains.key], domains.list);
  const form = useForm({
    initial: noDirectory, check: checkDirectory, send: (v) => directories.create(directoryOf(v)), place: (path) => path.replace(/^openId\./, ''),
    done: (made) => {
      notify({ type: 'success', saying: { key: 'ui.created.notice', values: { name: made.name } } });
      created();
      close();
    },
  });
  const { kind } = form.values;
  return (
    <FormDialog title={t('directory.create')} action={t('ui.add')} form={form} close={close} wide>
      <TextField form={form} field="name" label={t('ui.name')} autoFocus testId="directory-name" />
      <SelectField form={form} field="kind" label={t('directory.kind')} options={kinds.map((value) => ({ value, label: t(`directory.kind.${value}`) }))} testId="directory-kind" />
      {kind === 'ldap' ? (
        <>
          <TextField form={form} field="url" label={t('directory.url')} constraintText={t('directory.urlHint')} placeholder="ldaps://ldap.example.net" inputMode="url" testId="directory-url" />
          <TextField form={form} field="baseDn" label={t('directory.baseDn')} placeholder="dc=example,dc=net" testId="directory-base" />
          <TextField form={form} field="bindDn" label={t('directory.bindDn')} constraintText={t('directory.bindDnHint')} placeholder="cn=search,dc=example,dc=net" optional testId="directory-bind" />
          <TextField form={form} field="bindPassword" type="password" label={t('directory.bindPassword')} constraintText={t('directory.bindPasswordHint')} autoComplete="off" optional testId="directory-bind-password" />
          <TextField form={form} field="userFilter" label={t('directory.userFilter')} constraintText={t('directory.userFilterHint', { brace: '{0}' })} optional testId="directory-filter" />
        </>
      ) : (
        <>
          <TextField form={form} field="url" label={t('directory.issuer')} constraintText={t('directory.issuerHint')} placeholder="https://id.example.net/realms/example" inputMode="url" testId="directory-url" />
          <TextField form={form} field="title" label={t('directory.shown')} constraintText={t('directory.shownHint')} optional testId="directory-title" />
          <TextField form={form} field="clientId" label={t('directory.clientId')} testId="directory-client" />
          <TextField form={form} field="clientSecret" type="password" label={t('directory.clientSecret')} constraintText={t('directory.bindPasswordHint')} autoComplete="off" optional testId="directory-client-secret" />
          <TextField form={form} field="scopes" label={t('directory.scopes')} placeholder="openid profile email" optional />
          <TextField form={form} field="nameClaim" label={t('directory.nameClaim')} placeholder="preferred_username" optional />
          <TextField form={form} field="groupsClaim" label={t('directory.groupsClaim')} placeholder="groups" optional />
          <SelectField form={form} field="listed" label={t('directory.listed')} options={listings.map((value) => ({ value, label: t(`directory.listed.${value}`) }))} testId="directory-listed" />
        </>
      )}
      <SelectField form={form} field="domain" label={t('directory.domain')} options={[{ value: '', label: t('directory.domainDefault') }, ...(everyDomain.data ?? []).map((d) => ({ value: d.id, label: d.path }))]} loading={everyDomain.isPending} testId="directory-domain" />
      <SelectField form={form} field="account" label={t('directory.account')} options={[{ value: '', label: t('directory.accountNone') }, ...(everyAccount.data ?? []).map((a) => ({ value: a.id, label: a.name, description: a.domain.name }))]} loading={everyAccount.isPending} testId="directory-account" />
      <TextField form={form} field="defaultRole" label={t('directory.defaultRole')} constraintText={t('directory.defaultRoleHint')} placeholder="reader" optional testId="directory-role" />
      <GroupRolesField form={form} kind={kind} />
    </FormDialog>
  );
}
