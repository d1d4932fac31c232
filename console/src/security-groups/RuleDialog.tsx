import Button from '@cloudscape-design/components/button';
import ColumnLayout from '@cloudscape-design/components/column-layout';
import FormField from '@cloudscape-design/components/form-field';
import RadioGroup from '@cloudscape-design/components/radio-group';
import Select from '@cloudscape-design/components/select';
import SpaceBetween from '@cloudscape-design/components/space-between';
import type { ReactNode } from 'react';
import { useAll } from '../api/pages';
import { useText } from '../i18n/text';
import { TextField } from '../ui/fields';
import { FormDialog } from '../ui/FormDialog';
import { useForm } from '../ui/useForm';
import { blankRule, checkRule, everyone, everyone6, hasPorts, presets, ruleRequest, type RuleValues } from './rule';
import { securityGroups } from './securityGroups';

const directions = ['ingress', 'egress'] as const;
const peers = ['cidr', 'group', 'foreign'] as const;
const protocols = ['tcp', 'udp', 'icmp', 'any'] as const;

export function RuleDialog({ group, close, added }: { group: string; close: () => void; added: () => void }): ReactNode {
  const t = useText();
  const all = useAll([securityGroups.key], securityGroups.list);
  const form = useForm<RuleValues, unknown>({
    initial: blankRule, check: checkRule, send: (v) => securityGroups.addRule(group, ruleRequest(v)),
    // The request has one field for a group, wherever it is.
    place: (path, { peer }) => (path === 'group' && peer === 'foreign' ? 'foreign' : path),
    done: () => { added(); close(); },
  });
  const v = form.values;
  const preset = (name: keyof typeof presets) => {
    const chosen: Partial<RuleValues> = presets[name];
    for (const field of ['protocol', 'fromPort', 'toPort', 'peer', 'cidr'] as const) if (chosen[field] !== undefined) form.set(field, chosen[field]);
  };
  const groups = (all.data ?? []).map((g) => ({ value: g.id, label: g.name }));
  const protocolOptions = protocols.map((p) => ({ value: p as string, label: t(`securityGroup.protocol.${p}`) }));
  return (
    <FormDialog title={t('securityGroup.addRule')} action={t('ui.add')} form={form} close={close}>
      <FormField label={t('securityGroup.presets')}>
        <SpaceBetween direction="horizontal" size="xs">
          {(Object.keys(presets) as (keyof typeof presets)[]).map((p) => <Button key={p} formAction="none" onClick={() => preset(p)} data-testid={`preset-${p}`}>{t(`securityGroup.preset.${p}`)}</Button>)}
        </SpaceBetween>
      </FormField>
      <FormField label={t('securityGroup.direction')} errorText={form.errorOf('direction')}>
        <RadioGroup direction="horizontal" value={v.direction} onChange={(e) => form.set('direction', e.detail.value)} items={directions.map((d) => ({ value: d, label: t(`securityGroup.direction.${d}`) }))} />
      </FormField>
      <FormField label={t('securityGroup.protocol')} errorText={form.errorOf('protocol')}>
        <Select selectedOption={protocolOptions.find((o) => o.value === v.protocol) ?? null} options={protocolOptions} onChange={(e) => form.set('protocol', e.detail.selectedOption.value ?? 'tcp')} />
      </FormField>
      {hasPorts(v.protocol) && (
        <ColumnLayout columns={2}>
          <TextField form={form} field="fromPort" label={t('securityGroup.fromPort')} constraintText={t('securityGroup.portHint')} inputMode="numeric" optional />
          <TextField form={form} field="toPort" label={t('securityGroup.toPort')} constraintText={t('securityGroup.toPortHint')} inputMode="numeric" optional />
        </ColumnLayout>
      )}
      {v.protocol === 'icmp' && (
        <ColumnLayout columns={2}>
          <TextField form={form} field="fromPort" label={t('securityGroup.icmpTypeField')} constraintText={t('securityGroup.icmpTypeHint')} inputMode="numeric" optional />
          <TextField form={form} field="toPort" label={t('securityGroup.icmpCodeField')} constraintText={t('securityGroup.icmpCodeHint')} inputMode="numeric" optional />
        </ColumnLayout>
      )}
      <FormField label={t('securityGroup.peer')}>
        <RadioGroup
          value={v.peer} onChange={(e) => form.set('peer', peers.find((p) => p === e.detail.value) ?? 'cidr')} items={peers.map((p) => ({ value: p, label: t(`securityGroup.peer.${p}`) }))} data-testid="rule-peer"
        />
      </FormField>
      {v.peer === 'cidr' && (
        <SpaceBetween size="xs">
          <TextField form={form} field="cidr" label={t('securityGroup.peer.cidr')} constraintText={t('securityGroup.cidrHint')} placeholder="192.0.2.0/24" testId="rule-cidr" />
          <SpaceBetween direction="horizontal" size="xs">
            <Button formAction="none" variant="inline-link" onClick={() => form.set('cidr', everyone)}>{t('securityGroup.anyV4')}</Button>
            <Button formAction="none" variant="inline-link" onClick={() => form.set('cidr', everyone6)} data-testid="rule-any-v6">{t('securityGroup.anyV6')}</Button>
          </SpaceBetween>
        </SpaceBetween>
      )}
      {v.peer === 'foreign' && <TextField form={form} field="foreign" label={t('securityGroup.peer.foreign')} constraintText={t('securityGroup.foreignHint')} placeholder="friend/clients" testId="rule-foreign" />}
      {v.peer === 'group' && (
        <FormField label={t('securityGroup.peer.group')} errorText={form.errorOf('group')}>
          <Select selectedOption={groups.find((o) => o.value === v.group) ?? null} options={groups} placeholder={t('securityGroup.choose')} onChange={(e) => form.set('group', e.detail.selectedOption.value ?? '')} />
        </FormField>
      )}
      <TextField form={form} field="description" label={t('ui.description')} optional stretch />
    </FormDialog>
  );
}
