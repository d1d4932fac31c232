import ColumnLayout from '@cloudscape-design/components/column-layout';
import SpaceBetween from '@cloudscape-design/components/space-between';
import type { ReactNode } from 'react';
import type { VlanRange } from '../api/types';
import { useText } from '../i18n/text';
import { TextField } from '../ui/fields';
import { SelectField } from '../ui/SelectField';
import type { Form } from '../ui/useForm';
import { vlansText, type SegmentValues } from './segment';

interface Props {
  form: Form<SegmentValues>;
  /** The VLAN ranges of the account; null for operators, who name any device. */
  ranges: readonly VlanRange[] | null;
}

/** On which segment a bridged network is, and who tells its guests their addresses. */
export function SegmentFields({ form, ranges }: Props): ReactNode {
  const t = useText();
  const range = ranges?.find((r) => r.id === form.values.vlanRange);
  return (
    <SpaceBetween size="m">
      <ColumnLayout columns={2}>
        {ranges === null ? (
          <TextField form={form} field="device" label={t('network.device')} constraintText={t('network.deviceHint')} placeholder="br0" testId="network-device" />
        ) : (
          <SelectField
            form={form} field="vlanRange" label={t('network.vlanRange')} placeholder={t('network.vlanRangeChoose')} testId="network-vlan-range"
            options={ranges.map((r) => ({ value: r.id, label: t('network.vlanRangeName', { device: r.device, vlans: vlansText(r) }) }))}
          />
        )}
        <TextField
          form={form} field="vlan" label={t('network.vlan')} inputMode="numeric" optional={ranges === null} testId="network-vlan"
          constraintText={ranges === null ? t('network.vlanHint') : range === undefined ? t('network.vlanOwnHint') : t('network.vlanWithin', { vlans: vlansText(range) })}
        />
      </ColumnLayout>
      <SelectField
        form={form} field="dhcp" label={t('network.dhcp')} description={t(form.values.dhcp === 'external' ? 'network.dhcpHint.external' : 'network.dhcpHint.host')} testId="network-dhcp"
        options={(['host', 'external'] as const).map((who) => ({ value: who, label: t(`network.dhcp.${who}`) }))}
      />
    </SpaceBetween>
  );
}
