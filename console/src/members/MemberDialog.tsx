import type { ReactNode } from 'react';
import { useStale } from '../api/stale';
import type { Membership } from '../api/types';
import { useText } from '../i18n/text';
import { RoleField } from '../roles/RoleField';
import type { Place } from '../roles/roles';
import { TextField } from '../ui/fields';
import { FormDialog } from '../ui/FormDialog';
import { notify } from '../ui/notices';
import { required, violations } from '../ui/rules';
import { useForm } from '../ui/useForm';
import { staleWithMembers, type Members } from './members';

/** Gives somebody a role in a place: one who has none there yet, or another one in place of what there is. */
export function MemberDialog({ members, place, of, close }: { members: Members; place: Place; of: Pick<Membership, 'user' | 'role'> | null; close: () => void }): ReactNode {
  const t = useText();
  const stale = useStale();
  const form = useForm({
    initial: { user: of?.user.name ?? '', role: of?.role ?? '' },
    check: (v) => violations(['user', required(v.user)], ['role', v.role === '' ? { key: 'rule.choose' } : null]),
    send: (v) => members.set(of?.user.id ?? v.user.trim(), v.role),
    done: (made) => {
      notify({ type: 'success', saying: { key: 'member.set', values: { name: made.user.name } } });
      stale(staleWithMembers);
      close();
    },
  });
  return (
    <FormDialog title={of === null ? t('member.add') : t('member.changeTitle', { name: of.user.name })} action={of === null ? t('ui.add') : t('ui.save')} form={form} close={close}>
      {of === null && <TextField form={form} field="user" label={t('member.user')} description={t('member.userHint')} autoFocus testId="membership-user" />}
      <RoleField form={form} place={place} />
    </FormDialog>
  );
}
