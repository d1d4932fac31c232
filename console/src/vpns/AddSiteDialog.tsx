import type { ReactNode } from 'react';
import type { Vpn, VpnSite } from '../api/types';
import { useText } from '../i18n/text';
import { TextField } from '../ui/fields';
import { FormDialog } from '../ui/FormDialog';
import { cidr, each, name, required, violations } from '../ui/rules';
import { SelectField } from '../ui/SelectField';
import { useForm } from '../ui/useForm';
import { PeerKeys } from './PeerKeys';
import { blankSite, ownKey, siteEndpoint, siteRequest, vpnSites, wireGuardKey } from './vpns';

/** Joins another network, which has a WireGuard gateway of its own. */
export function AddSiteDialog({ vpn, close, added }: { vpn: Vpn; close: () => void; added: (site: VpnSite) => void }): ReactNode {
  const t = useText();
  const form = useForm({
    initial: blankSite,
    check: (v) => violations(
      ['name', name(v.name)], ['ranges', required(v.ranges) ?? each(v.ranges, cidr)], ['publicKey', ownKey(v)], ['endpoint', siteEndpoint(v)],
      ['presharedKey', v.preshared === 'own' ? wireGuardKey(v.presharedKey) : null]),
    send: (v) => vpnSites.create(vpn.id, siteRequest(v)),
    done: (site) => { close(); added(site); },
  });
  return (
    <FormDialog title={t('vpn.siteAddTitle', { name: vpn.network.name })} action={t('ui.add')} form={form} close={close} wide>
      <TextField form={form} field="name" label={t('ui.name')} placeholder="osaka" autoFocus testId="vpn-site-name" />
      <TextField form={form} field="ranges" label={t('vpn.siteRanges')} description={t('vpn.siteRangesHint')} placeholder="192.168.10.0/24" stretch testId="vpn-site-ranges" />
      <PeerKeys form={form} label={t('vpn.siteKeys')} testId="vpn-site-key" />
      <TextField form={form} field="endpoint" label={t('vpn.endpoint')} description={t('vpn.endpointHint')} placeholder="198.51.100.7:51820" optional testId="vpn-site-endpoint" />
      <SelectField
        form={form} field="preshared" label={t('vpn.preshared')} description={t('vpn.presharedHint')} testId="vpn-site-preshared"
        options={[{ value: 'generate', label: t('vpn.presharedGenerate') }, { value: 'own', label: t('vpn.presharedOwn') }, { value: 'none', label: t('vpn.presharedNone') }]}
      />
      {form.values.preshared === 'own' && <TextField form={form} field="presharedKey" label={t('vpn.presharedKey')} description={t('vpn.presharedKeyHint')} type="password" autoComplete={false} stretch />}
    </FormDialog>
  );
}
