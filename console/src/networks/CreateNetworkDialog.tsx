import Alert from '@cloudscape-design/components/alert';
import Checkbox from '@cloudscape-design/components/checkbox';
import ColumnLayout from '@cloudscape-design/components/column-layout';
import FormField from '@cloudscape-design/components/form-field';
import SpaceBetween from '@cloudscape-design/components/space-between';
import Tiles from '@cloudscape-design/components/tiles';
import type { ReactNode } from 'react';
import { useAll } from '../api/pages';
import { useText } from '../i18n/text';
import { useMay } from '../session/permissions';
import { TextField } from '../ui/fields';
import { FormDialog } from '../ui/FormDialog';
import { useForm } from '../ui/useForm';
import { vlanRanges } from '../vlan-ranges/vlanRanges';
import { blankNetwork, checkNetwork, networkField, networkRequest, networks, proposedRange, tellsGuests, type NetworkValues } from './networks';
import { SegmentFields } from './SegmentFields';
import { SpaceSection } from './SpaceFields';

/** A network with its first subnets: a network without one is of no use to an instance. */
export function CreateNetworkDialog({ close, created }: { close: () => void; created: () => void }): ReactNode {
  const t = useText();
  const may = useMay();
  const given = useAll([vlanRanges.key], vlanRanges.list);
  const ranges = may('vlan-ranges:write', 'cloud') ? null : (given.data ?? []);
  const form = useForm<NetworkValues, unknown>({
    initial: blankNetwork, place: networkField, check: (v) => checkNetwork(v, ranges), send: (v) => networks.create(networkRequest(v, ranges)),
    done: () => { created(); close(); },
  });
  const v = form.values;
  const bridged = v.kind === 'bridged';
  const choose = (kind: NetworkValues['kind']) => {
    form.set('kind', kind);
    form.set('cidr', proposedRange(v, kind));
    const [only, ...others] = ranges ?? [];
    if (kind === 'bridged' && only !== undefined && others.length === 0) form.set('vlanRange', only.id);
  };
  return (
    <FormDialog title={t('network.create')} action={t('ui.create')} form={form} close={close} wide>
      <TextField form={form} field="name" label={t('ui.name')} autoFocus testId="network-name" />
      {(ranges === null || ranges.length > 0) && (
        <FormField label={t('network.kind')} stretch>
          <Tiles
            columns={2} value={v.kind} onChange={(e) => choose(e.detail.value as NetworkValues['kind'])} data-testid="network-kind"
            items={(['private', 'bridged'] as const).map((kind) => ({ value: kind, label: t(`network.kind.${kind}`), description: t(`network.kindHint.${kind}`), controlId: `network-kind-${kind}` }))}
          />
        </FormField>
      )}
      {bridged && <Alert type="info">{t('network.bridgedWithout')}</Alert>}
      {bridged && <SegmentFields form={form} ranges={ranges} />}
      <ColumnLayout columns={2}>
        <TextField form={form} field="cidr" label={t('network.cidr4')} constraintText={t('network.cidr4Hint')} placeholder={bridged ? '192.168.20.0/24' : '10.1.0.0/24'} optional testId="network-cidr" />
        <TextField form={form} field="cidr6" label={t('network.cidr6')} constraintText={t(bridged ? 'network.cidr6HintBridged' : 'network.cidr6Hint')} placeholder="fd00:1::/64" optional testId="network-cidr6" />
      </ColumnLayout>
      {bridged && <TextField form={form} field="gateway" label={t('network.router')} description={t('network.routerHint')} placeholder="192.168.20.254" optional stretch testId="network-gateway" />}
      <SpaceSection form={form} />
      {!bridged && (
        <FormField label={t('network.outside')} errorText={form.errorOf('outside')}>
          <Checkbox checked={v.isolated} onChange={(e) => form.set('isolated', e.detail.checked)} description={t('network.isolatedHint')} data-testid="network-isolated">{t('network.isolated')}</Checkbox>
        </FormField>
      )}
      {tellsGuests(v) && (
        <SpaceBetween size="m">
          <TextField form={form} field="dnsServers" label={t('network.dns')} description={t(bridged ? 'network.dnsHintBridged' : 'network.dnsHint')} placeholder={bridged ? '192.168.20.53' : '10.1.0.53'} optional stretch testId="network-dns" />
          <TextField form={form} field="searchDomains" label={t('network.search')} description={t('network.searchHint')} placeholder="lab.example" optional stretch />
        </SpaceBetween>
      )}
      <TextField form={form} field="mtu" label={t('network.mtu')} description={t(bridged ? 'network.mtuHintBridged' : 'network.mtuHint')} inputMode="numeric" optional />
    </FormDialog>
  );
}
