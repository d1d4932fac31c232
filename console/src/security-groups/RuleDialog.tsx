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
import { blankRule, checkRule, hasPorts, presets, ruleRequest, type RuleValues } from './rule';
import { securityGroups } from './securityGroups';

const directions = ['ingress', 'egress'] as const;
const protocols = ['tcp', 'udp', 'icmp', 'any'] as const;

export function RuleDialog({ group, close, added }: { group: string; close: () => void; added: () => void }): ReactNode {
  const t = useText();
  const all = useAll([securityGroups.key], securityGroups.list);
  const form = useForm<RuleValues, unknown>({
    initial: blankRule, check: checkRule, send: (v) => securityGroups.addRule(group, ruleRequest(v)),
    done: () => { added(); close(); },
  });
  const v = form.values;
  const preset = (name: keyof typeof presets) => {
    for (const field of ['protocol', 'fromPort', 'toPort'] as const) form.set(field, presets[name][field]);
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
      <FormField label={t('securityGroup.peer')}>
        <RadioGroup
          direction="horizontal" value={v.peer} onChange={(e) => form.set('peer', e.detail.value === 'group' ? 'group' : 'cidr')}
          items={[{ value: 'cidr', label: t('securityGroup.peer.cidr') }, { value: 'group', label: t('securityGroup.peer.group') }]}
        />
      </FormField>
      {v.peer === 'cidr'
        ? <TextField form={form} field="cidr" label={t('securityGroup.peer.cidr')} placeholder="192.0.2.0/24" />
        : (
          <FormField label={t('securityGroup.peer.group')} errorText={form.errorOf('group')}>
            <Select selectedOption={groups.find((o) => o.value === v.group) ?? null} options={groups} placeholder={t('securityGroup.choose')} onChange={(e) => form.set('group', e.detail.selectedOption.value ?? '')} />
          </FormField>
        )}
      <TextField form={form} field="description" label={t('ui.description')} optional stretch />
    </FormDialog>
  );
}
