import FormField from '@cloudscape-design/components/form-field';
import Tiles from '@cloudscape-design/components/tiles';
import type { ReactNode } from 'react';
import type { Vpn, VpnClient } from '../api/types';
import { useText } from '../i18n/text';
import { TextField } from '../ui/fields';
import { FormDialog } from '../ui/FormDialog';
import { name, violations } from '../ui/rules';
import { useForm } from '../ui/useForm';
import { vpnClients, wireGuardKey } from './vpns';

/** Lets a device connect. */
export function AddClientDialog({ vpn, close, added }: { vpn: Vpn; close: () => void; added: (client: VpnClient) => void }): ReactNode {
  const t = useText();
  const form = useForm({
    initial: { name: '', how: 'generate', publicKey: '' },
    check: (v) => violations(['name', name(v.name)], ['publicKey', v.how === 'own' ? wireGuardKey(v.publicKey) : null]),
    send: (v) => vpnClients.create(vpn.id, { name: v.name, publicKey: v.how === 'own' ? v.publicKey.trim() : null }),
    done: (client) => { close(); added(client); },
  });
  return (
    <FormDialog title={t('vpn.clientAddTitle', { name: vpn.name })} action={t('ui.add')} form={form} close={close}>
      <TextField form={form} field="name" label={t('ui.name')} description={t('vpn.clientNameHint')} placeholder="laptop" autoFocus testId="vpn-client-name" />
      <FormField label={t('vpn.keys')} stretch>
        <Tiles
          columns={2} value={form.values.how} onChange={(e) => form.set('how', e.detail.value)}
          items={[
            { value: 'generate', label: t('vpn.how.generate'), description: t('vpn.how.generateHint') },
            { value: 'own', label: t('vpn.how.own'), description: t('vpn.how.ownHint') },
          ]}
        />
      </FormField>
      {form.values.how === 'own' && <TextField form={form} field="publicKey" label={t('vpn.publicKey')} description={t('vpn.publicKeyHint')} stretch testId="vpn-client-key" />}
    </FormDialog>
  );
}
