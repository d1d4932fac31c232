import { useState, type ReactNode } from 'react';
import { useStale } from '../api/stale';
import type { UserDirectory } from '../api/types';
import { useText } from '../i18n/text';
import { TextField } from '../ui/fields';
import { FormDialog } from '../ui/FormDialog';
import { notify } from '../ui/notices';
import { SelectField } from '../ui/SelectField';
import { useForm } from '../ui/useForm';
import { changesOf, checkRoles, directories, directoryUpdate, listings, type Kind } from './directories';
import { GroupRolesField } from './GroupRolesField';

/** Changes what may change while people are users of it: secrets expire, and roles follow groups. */
export function ChangeDirectoryDialog({ of, close }: { of: UserDirectory; close: () => void }): ReactNode {
  const t = useText();
  const stale = useStale();
  const [first] = useState(() => changesOf(of));
  const form = useForm({
    initial: first, check: (v) => checkRoles(v, of.account?.id ?? '', 'groupRoles'), send: (v) => directories.update(of.id, directoryUpdate(v, first)),
    done: () => {
      notify({ type: 'success', saying: { key: 'directory.changed', values: { name: of.name } } });
      stale([directories.key]);
      close();
    },
  });
  return (
    <FormDialog title={t('directory.changeTitle', { name: of.name })} action={t('ui.save')} form={form} close={close} wide>
      {of.openId !== null && <TextField form={form} field="title" label={t('directory.shown')} constraintText={t('directory.shownHint')} testId="directory-title" />}
      {of.openId !== null && <SelectField form={form} field="listed" label={t('directory.listed')} options={listings.filter((l) => l !== 'default').map((value) => ({ value, label: t(`directory.listed.${value}`) }))} testId="directory-listed" />}
      <TextField form={form} field="secret" type="password" label={t(of.openId === null ? 'directory.bindPassword' : 'directory.clientSecret')} constraintText={t('directory.secretStays')} autoComplete="off" optional testId="directory-secret" />
      <TextField form={form} field="defaultRole" label={t('directory.defaultRole')} constraintText={t('directory.defaultRoleHint')} placeholder="reader" optional testId="directory-role" />
      <GroupRolesField form={form} kind={of.kind as Kind} />
    </FormDialog>
  );
}
