import Checkbox from '@cloudscape-design/components/checkbox';
import FormField from '@cloudscape-design/components/form-field';
import { useState, type ReactNode } from 'react';
import { useText } from '../i18n/text';
import { PermissionGrid } from '../roles/PermissionGrid';
import { session } from '../session/session';
import { TextField } from '../ui/fields';
import { FormDialog } from '../ui/FormDialog';
import { LinesField } from '../ui/LinesField';
import { SelectField } from '../ui/SelectField';
import { useStore } from '../ui/store';
import { TextDialog } from '../ui/TextDialog';
import { useForm } from '../ui/useForm';
import { checkToken, noToken, tokenOf, tokens } from './access';

export function CreateTokenDialog({ close, created }: { close: () => void; created: () => void }): ReactNode {
  const t = useText();
  const { self } = useStore(session);
  const [made, setMade] = useState<string | null>(null);
  const form = useForm({
    initial: noToken, check: checkToken, send: (v) => tokens.create(tokenOf(v)), place: (path) => path.replace(/^allowedRanges/, 'ranges'),
    done: (token) => { created(); setMade(token.token); },
  });
  if (made !== null) return <TextDialog title={t('access.madeTitle', { name: form.values.name })} once={{ notice: t('access.once'), kept: t('access.kept') }} fileName={`${form.values.name}.token`} text={made} testId="token" close={close} />;
  const mine = new Map([self?.account, self?.actingFor, ...(self?.accounts ?? [])].flatMap((a) => (a === undefined ? [] : [[a.id, a.name]])));
  const options = [{ value: '', label: t('access.allAccounts') }, ...[...mine].map(([value, label]) => ({ value, label }))];
  return (
    <FormDialog title={t('access.create')} action={t('ui.create')} form={form} close={close} wide>
      <TextField form={form} field="name" label={t('ui.name')} autoFocus testId="token-name" />
      <TextField form={form} field="expiresInDays" label={t('access.days')} constraintText={t('access.daysHint')} inputMode="numeric" optional testId="token-days" />
      <SelectField form={form} field="account" label={t('access.forAccount')} options={options} testId="token-account" />
      <LinesField form={form} field="ranges" label={t('access.ranges')} description={t('access.rangesHint')} placeholder={'203.0.113.0/24\n2001:db8::/32'} optional testId="token-ranges" />
      <FormField stretch label={t('role.permissions')} errorText={form.values.limited ? undefined : form.errorOf('permissions')}>
        <Checkbox checked={form.values.limited} onChange={(e) => form.set('limited', e.detail.checked)} data-testid="token-limited">{t('access.limit')}</Checkbox>
      </FormField>
      {form.values.limited && <PermissionGrid patterns={form.values.permissions} reach="cloud" whose="token" change={(next) => form.set('permissions', next)} error={form.errorOf('permissions')} />}
    </FormDialog>
  );
}
