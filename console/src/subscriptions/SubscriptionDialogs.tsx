import FormField from '@cloudscape-design/components/form-field';
import RadioGroup from '@cloudscape-design/components/radio-group';
import { useState, type ReactNode } from 'react';
import { useStale } from '../api/stale';
import type { Subscription } from '../api/types';
import { useText } from '../i18n/text';
import { useMay } from '../session/permissions';
import { TextField } from '../ui/fields';
import { FormDialog } from '../ui/FormDialog';
import { LinesField } from '../ui/LinesField';
import { notify } from '../ui/notices';
import { SelectField } from '../ui/SelectField';
import { TextDialog } from '../ui/TextDialog';
import { useForm } from '../ui/useForm';
import { checkHours, checkSubscription, kinds, noSubscription, subscriptionOf, subscriptions } from './subscriptions';

interface Props {
  close: () => void;
}

/** Makes a subscription; the secret of a webhook is shown once. Brokers, and the whole cloud, are for operators. */
export function CreateSubscriptionDialog({ close }: Props): ReactNode {
  const t = useText();
  const stale = useStale();
  const wide = useMay()('subscriptions:cloud', 'cloud');
  const [secret, setSecret] = useState<string | null>(null);
  const form = useForm({
    initial: noSubscription, check: checkSubscription, send: (v) => subscriptions.create(subscriptionOf(v)),
    done: (made) => {
      stale([subscriptions.key]);
      notify({ type: 'success', saying: { key: 'ui.created.notice', values: { name: made.subscription.name } } });
      if (made.secret === null) close();
      else setSecret(made.secret);
    },
  });
  if (secret !== null) return <WebhookSecret name={form.values.name} secret={secret} close={close} />;
  const { kind } = form.values;
  return (
    <FormDialog title={t('subscription.create')} action={t('ui.create')} form={form} close={close}>
      <TextField form={form} field="name" label={t('ui.name')} autoFocus testId="subscription-name" />
      {wide && <SelectField form={form} field="kind" label={t('subscription.kind')} options={kinds.map((value) => ({ value, label: t(`subscription.kind.${value}`) }))} testId="subscription-kind" />}
      <TextField form={form} field="url" label={t('subscription.url')} constraintText={t(`subscription.urlHint.${kind}`)} inputMode="url" testId="subscription-url" />
      {kind === 'amqp' && <TextField form={form} field="password" type="password" label={t('subscription.password')} autoComplete="off" testId="subscription-password" />}
      {kind === 'amqp' && <TextField form={form} field="exchange" label={t('subscription.exchange')} constraintText={t('subscription.exchangeHint')} optional />}
      <SelectField form={form} field="content" label={t('subscription.content')} options={(['events', 'usage'] as const).map((value) => ({ value, label: t(`subscription.content.${value}`) }))} testId="subscription-content" />
      <LinesField form={form} field="actions" label={t('subscription.actions')} description={t('subscription.actionsHint')} placeholder={form.values.content === 'usage' ? 'instance.*' : 'instance.*\nvolume.lost'} optional testId="subscription-actions" />
      {wide && <SelectField form={form} field="scope" label={t('subscription.scope')} options={(['account', 'cloud'] as const).map((value) => ({ value, label: t(`subscription.scope.${value}`) }))} testId="subscription-scope" />}
    </FormDialog>
  );
}

/** Goes on from where it stopped, or leaves out what was meanwhile. */
export function ResumeDialog({ of, close }: Props & { of: Subscription }): ReactNode {
  const t = useText();
  const stale = useStale();
  const form = useForm({
    initial: { from: 'stopped' }, check: () => [], send: (v) => subscriptions.resume(of.id, v.from),
    done: () => {
      notify({ type: 'success', saying: { key: 'subscription.resumed', values: { name: of.name } } });
      stale([subscriptions.key]);
      close();
    },
  });
  return (
    <FormDialog title={t('subscription.resumeTitle', { name: of.name })} action={t('subscription.resume')} form={form} close={close}>
      <FormField label={t('subscription.from')} errorText={form.errorOf('from')}>
        <RadioGroup value={form.values.from} onChange={(e) => form.set('from', e.detail.value)} items={(['stopped', 'now'] as const).map((value) => ({ value, label: t(`subscription.from.${value}`) }))} />
      </FormField>
    </FormDialog>
  );
}

export function RotateDialog({ of, close }: Props & { of: Subscription }): ReactNode {
  return <NewSecretDialog name={of.name} send={(hours) => subscriptions.rotate(of.id, hours)} stales={[subscriptions.key]} close={close} />;
}

interface NewSecretProps extends Props {
  name: string;
  send: (keepFormerHours: number) => Promise<{ secret: string | null }>;
  /** What shows something of it. */
  stales: readonly string[];
}

/** A new secret for what is signed; the former one signs besides for a while. */
export function NewSecretDialog({ name, send, stales, close }: NewSecretProps): ReactNode {
  const t = useText();
  const stale = useStale();
  const [secret, setSecret] = useState<string | null>(null);
  const form = useForm({
    initial: { hours: '24' }, check: (v) => checkHours(v.hours), send: (v) => send(Number(v.hours)), place: (path) => (path === 'keepFormerHours' ? 'hours' : path),
    done: (made) => {
      stale(stales);
      setSecret(made.secret);
    },
  });
  if (secret !== null) return <WebhookSecret name={name} secret={secret} close={close} />;
  return (
    <FormDialog title={t('subscription.rotateTitle', { name })} action={t('subscription.rotate')} form={form} close={close}>
      <div>{t('subscription.rotateHint')}</div>
      <TextField form={form} field="hours" label={t('subscription.keepFormer')} inputMode="numeric" testId="subscription-hours" />
    </FormDialog>
  );
}

/** The secret that a webhook is signed with, once. */
export function WebhookSecret({ name, secret, close }: Props & { name: string; secret: string }): ReactNode {
  const t = useText();
  return <TextDialog title={t('subscription.secretOf', { name })} once={{ notice: t('subscription.secretOnce'), kept: t('subscription.secretKept') }} fileName={`${name}.secret`} text={secret} testId="subscription-secret" close={close} />;
}
