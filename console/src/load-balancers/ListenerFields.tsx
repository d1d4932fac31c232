import Checkbox from '@cloudscape-design/components/checkbox';
import ColumnLayout from '@cloudscape-design/components/column-layout';
import ExpandableSection from '@cloudscape-design/components/expandable-section';
import FormField from '@cloudscape-design/components/form-field';
import Select from '@cloudscape-design/components/select';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { useState, type ReactNode } from 'react';
import type { ListenerCertificate } from '../api/types';
import { useFormat } from '../i18n/format';
import { useText } from '../i18n/text';
import { TextField } from '../ui/fields';
import { PemField } from '../ui/PemField';
import { SelectField } from '../ui/SelectField';
import type { Form } from '../ui/useForm';
import { algorithms, checks, endsTls, followProtocol, protocols, readsHttp, type ListenerValues } from './listener';

const hidden = ['checkPort', 'interval', 'timeout', 'rise', 'fall', 'idleSeconds'] as const;

/** What a listener is, but for its members. */
export function ListenerFields({ form, certificate, existing = false }: { form: Form<ListenerValues>; certificate?: ListenerCertificate | null; existing?: boolean }): ReactNode {
  const t = useText();
  const format = useFormat();
  const [open, setOpen] = useState(false);
  const v = form.values;
  const protocolOptions = protocols.map((p) => ({ value: p as string, label: p.toUpperCase(), description: t(`balancer.protocol.${p}`) }));
  const choose = (protocol: string) => {
    // What is there already keeps its port and its check until somebody changes them.
    for (const [field, value] of Object.entries(existing ? { protocol } : followProtocol(v, protocol))) form.set(field as 'protocol', value as string);
    if (existing && protocol === 'udp' && v.algorithm === 'least-connections') form.set('algorithm', 'round-robin');
  };
  // An error must not hide in a closed section.
  const broken = hidden.some((field) => form.errorOf(field) !== undefined);
  const kept = certificate ?? null;
  const checked = v.checkProtocol !== 'none';
  return (
    <SpaceBetween size="m">
      <ColumnLayout columns={2}>
        <FormField label={t('securityGroup.protocol')} errorText={form.errorOf('protocol')}>
          <Select
            selectedOption={protocolOptions.find((o) => o.value === v.protocol) ?? null} options={protocolOptions} expandToViewport data-testid="listener-protocol"
            onChange={(e) => choose(e.detail.selectedOption.value ?? '')}
          />
        </FormField>
        <TextField form={form} field="port" label={t('balancer.port')} inputMode="numeric" testId="listener-port" />
        <SelectField
          form={form} field="algorithm" label={t('balancer.algorithm')} testId="listener-algorithm"
          options={algorithms.filter((a) => v.protocol !== 'udp' || a !== 'least-connections').map((a) => ({ value: a, label: t(`balancer.algorithm.${a}`), description: t(`balancer.algorithmHint.${a}`) }))}
        />
        <SelectField form={form} field="checkProtocol" label={t('balancer.check')} options={checks.map((c) => ({ value: c, label: t(`balancer.check.${c}`), description: t(`balancer.checkHint.${c}`) }))} testId="listener-check" />
        {v.checkProtocol === 'http' && <TextField form={form} field="checkPath" label={t('balancer.checkPath')} placeholder="/health" testId="listener-check-path" />}
      </ColumnLayout>
      {readsHttp(v.protocol) && <Flag form={form} field="cookie" text={t('balancer.cookie')} hint={t('balancer.cookieHint')} />}
      {v.protocol !== 'udp' && <Flag form={form} field="proxyProtocol" text={t('balancer.proxy')} hint={t('balancer.proxyHint')} />}
      {endsTls(v.protocol) && (
        <SpaceBetween size="m">
          {kept !== null && <div>{t('balancer.certificateKept', { name: kept.subject, time: format.dateTime(kept.expiresAt) })}</div>}
          <PemField form={form} field="certificate" label={t('balancer.certificate')} description={t('balancer.certificateHint')} begins="-----BEGIN CERTIFICATE-----" optional={kept !== null} testId="listener-certificate" />
          <PemField form={form} field="privateKey" label={t('balancer.privateKey')} description={t('balancer.privateKeyHint')} begins="-----BEGIN PRIVATE KEY-----" optional={kept !== null} testId="listener-privateKey" />
        </SpaceBetween>
      )}
      <ExpandableSection headerText={t('balancer.more')} expanded={open || broken} onChange={(e) => setOpen(e.detail.expanded)} data-testid="listener-more">
        <ColumnLayout columns={2}>
          {checked && <TextField form={form} field="interval" label={t('balancer.interval')} constraintText={t('rule.between', { min: 1, max: 300 })} inputMode="numeric" />}
          {checked && <TextField form={form} field="timeout" label={t('balancer.timeout')} constraintText={t('balancer.timeoutHint')} inputMode="numeric" />}
          {checked && <TextField form={form} field="fall" label={t('balancer.fall')} constraintText={t('rule.between', { min: 1, max: 10 })} inputMode="numeric" />}
          {checked && <TextField form={form} field="rise" label={t('balancer.rise')} constraintText={t('rule.between', { min: 1, max: 10 })} inputMode="numeric" />}
          {checked && <TextField form={form} field="checkPort" label={t('balancer.checkPort')} constraintText={t('balancer.checkPortHint')} inputMode="numeric" optional />}
          <TextField form={form} field="idleSeconds" label={t('balancer.idle')} constraintText={t('balancer.idleHint')} inputMode="numeric" />
        </ColumnLayout>
      </ExpandableSection>
    </SpaceBetween>
  );
}

function Flag({ form, field, text, hint }: { form: Form<ListenerValues>; field: 'cookie' | 'proxyProtocol'; text: string; hint: string }): ReactNode {
  return (
    <FormField errorText={form.errorOf(field)}>
      <Checkbox checked={form.values[field]} onChange={(e) => form.set(field, e.detail.checked)} description={hint} data-testid={`listener-${field}`}>{text}</Checkbox>
    </FormField>
  );
}
