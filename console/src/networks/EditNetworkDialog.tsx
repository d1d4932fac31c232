import Checkbox from '@cloudscape-design/components/checkbox';
import FormField from '@cloudscape-design/components/form-field';
import { useQueryClient } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import type { Network } from '../api/types';
import { useText } from '../i18n/text';
import { TextField } from '../ui/fields';
import { FormDialog } from '../ui/FormDialog';
import { listed, violations } from '../ui/rules';
import { useForm } from '../ui/useForm';
import { dnsList, isRouted, mtu, networks, searchList } from './networks';
import { dhcpIsOutside } from './segment';

/** Changes what a network tells its guests. Only what was changed is sent: an MTU that the hosts gave stays theirs. */
export function EditNetworkDialog({ network, close }: { network: Network; close: () => void }): ReactNode {
  const t = useText();
  const queries = useQueryClient();
  const first = {
    dnsServers: [...new Set(network.subnets.flatMap((s) => s.dnsServers))].join(', '), searchDomains: network.searchDomains.join(', '), domain: network.domain, mtu: String(network.mtu),
    isolated: network.outside === 'none',
  };
  const form = useForm({
    initial: first,
    check: (v) => violations(['dnsServers', dnsList(v.dnsServers)], ['searchDomains', searchList(v.searchDomains)], ['domain', v.domain === '' ? { key: 'rule.required' } : searchList(v.domain)], ['mtu', mtu(v.mtu)]),
    send: (v) => {
      const ifChanged = <T,>(field: keyof typeof first, value: T) => (v[field] === first[field] ? null : value);
      return networks.update(network.id, {
        mtu: ifChanged('mtu', v.mtu === '' ? 0 : Number(v.mtu)), outside: ifChanged('isolated', v.isolated ? 'none' : 'nat'), domain: ifChanged('domain', v.domain),
        searchDomains: ifChanged('searchDomains', listed(v.searchDomains)), dnsServers: ifChanged('dnsServers', listed(v.dnsServers)), sourceAddress: null,
      });
    },
    done: (changed) => {
      queries.setQueryData([networks.key, 'one', network.id], changed);
      void queries.invalidateQueries({ queryKey: ['subnets'] });
      close();
    },
  });
  const [routed, tells] = [isRouted(network), !dhcpIsOutside(network.segment)];
  return (
    <FormDialog title={t('network.edit')} action={t('ui.save')} form={form} close={close}>
      {routed && (
        <FormField label={t('network.outside')} errorText={form.errorOf('outside')}>
          <Checkbox checked={form.values.isolated} onChange={(e) => form.set('isolated', e.detail.checked)} description={t('network.isolatedHint')}>{t('network.isolated')}</Checkbox>
        </FormField>
      )}
      {tells && <TextField form={form} field="dnsServers" label={t('network.dns')} description={t(routed ? 'network.dnsHint' : 'network.dnsHintBridged')} optional stretch />}
      <TextField form={form} field="domain" label={t('network.domain')} description={t('network.domainHint')} stretch />
      {tells && <TextField form={form} field="searchDomains" label={t('network.search')} description={t('network.searchHint')} optional stretch />}
      <TextField form={form} field="mtu" label={t('network.mtu')} description={t(routed ? 'network.mtuHint' : 'network.mtuHintBridged')} inputMode="numeric" optional />
    </FormDialog>
  );
}
