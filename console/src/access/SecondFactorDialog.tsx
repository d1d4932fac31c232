import FormField from '@cloudscape-design/components/form-field';
import { useState, type ReactNode } from 'react';
import type { SecondFactorSecret } from '../api/types';
import { useText } from '../i18n/text';
import { Copy } from '../ui/Copy';
import { TextField } from '../ui/fields';
import { FormDialog } from '../ui/FormDialog';
import { TextDialog } from '../ui/TextDialog';
import { useForm } from '../ui/useForm';
import { QrCode } from './QrCode';
import { checkCode, grouped, secondFactor } from './secondFactor';

/** Turns the second factor on, in three steps: the password, the secret and a code of it, the recovery codes. */
export function SecondFactorDialog({ close, done }: { close: () => void; done: () => void }): ReactNode {
  const t = useText();
  const [secret, setSecret] = useState<SecondFactorSecret | null>(null);
  const [codes, setCodes] = useState<readonly string[] | null>(null);
  if (codes !== null)
    return <TextDialog title={t('access.factorDone')} about={t('access.factorSessions')} once={{ notice: t('access.codesOnce'), kept: t('access.codesKept') }} fileName="kumoi-recovery-codes.txt" text={`${codes.join('\n')}\n`} testId="recovery-codes" close={close} />;
  // A secret that was made is there, be it confirmed or not.
  if (secret === null) return <PasswordStep close={close} made={(next) => { done(); setSecret(next); }} />;
  return <ConfirmStep secret={secret} close={close} confirmed={(next) => { done(); setCodes(next); }} />;
}

function PasswordStep({ close, made }: { close: () => void; made: (secret: SecondFactorSecret) => void }): ReactNode {
  const t = useText();
  const form = useForm({ initial: { password: '' }, check: () => [], send: (v) => secondFactor.begin(v.password), done: made });
  return (
    <FormDialog title={t('access.factorTitle')} action={t('access.factorNext')} form={form} close={close}>
      <TextField form={form} field="password" type="password" label={t('access.factorPassword')} constraintText={t('access.factorPasswordHint')} autoFocus autoComplete="current-password" testId="factor-password" />
    </FormDialog>
  );
}

function ConfirmStep({ secret, close, confirmed }: { secret: SecondFactorSecret; close: () => void; confirmed: (codes: readonly string[]) => void }): ReactNode {
  const t = useText();
  const form = useForm({ initial: { code: '' }, check: (v) => checkCode(v.code), send: (v) => secondFactor.confirm(v.code), done: ({ codes }) => confirmed(codes) });
  return (
    <FormDialog title={t('access.factorTitle')} action={t('access.factorConfirm')} form={form} close={close}>
      <div>{t('access.factorScan')}</div>
      <QrCode text={secret.uri} label={t('access.factorQr')} />
      <FormField label={t('access.factorSecret')}><Copy text={secret.secret} shown={<code data-testid="factor-secret" data-uri={secret.uri}>{grouped(secret.secret)}</code>} /></FormField>
      <TextField form={form} field="code" label={t('access.factorCode')} inputMode="numeric" autoFocus autoComplete="one-time-code" testId="factor-code" />
    </FormDialog>
  );
}
