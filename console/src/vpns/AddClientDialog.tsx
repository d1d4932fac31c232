import type { ReactNode } from 'react';
import type { Vpn, VpnClient } from '../api/types';
import { useText } from '../i18n/text';
import { TextField } from '../ui/fields';
import { FormDialog } from '../ui/FormDialog';
import { name, violations } from '../ui/rules';
import { useForm } from '../ui/useForm';
import { PeerKeys } from './PeerKeys';
import { blankKeys, ownKey, sentKey, vpnClients } from './vpns';

/** Lets a device connect. */
export function AddClientDialog({ vpn, close, added }: { vpn: Vpn; close: () => void; added: (client: VpnClient) => void }): ReactNode {
  const t = useText();
  const form = useForm({
    initial: { ...blankKeys, name: '' },
    check: (v) => violations(['name', name(v.name)], ['publicKey', ownKey(v)]),
    send: (v) => vpnClients.create(vpn.id, { name: v.name, publicKey: sentKey(v) }),
    done: (client) => { close(); added(client); },
  });
  return (
    <FormDialog title={t('vpn.clientAddTitle', { name: vpn.name })} action={t('ui.add')} form={form} close={close}>
      <TextField form={form} field="name" label={t('ui.name')} description={t('vpn.clientNameHint')} placeholder="laptop" autoFocus testId="vpn-client-name" />
      <PeerKeys form={form} label={t('vpn.keys')} testId="vpn-client-key" />
    </FormDialog>
  );
}
