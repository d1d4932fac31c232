import FormField from '@cloudscape-design/components/form-field';
import SpaceBetween from '@cloudscape-design/components/space-between';
import Tiles from '@cloudscape-design/components/tiles';
import type { ReactNode } from 'react';
import { useText } from '../i18n/text';
import { TextField } from '../ui/fields';
import type { Form } from '../ui/useForm';
import type { PeerKeyValues } from './vpns';

/** Where the key pair of a gateway's other end comes from. */
export function PeerKeys({ form, label, testId }: { form: Form<PeerKeyValues>; label: string; testId: string }): ReactNode {
  const t = useText();
  return (
    <SpaceBetween size="m">
      <FormField label={label} stretch>
        <Tiles
          columns={2} value={form.values.how} onChange={(e) => form.set('how', e.detail.value)}
          items={[
            { value: 'generate', label: t('vpn.how.generate'), description: t('vpn.how.generateHint') },
            { value: 'own', label: t('vpn.how.own'), description: t('vpn.how.ownHint') },
          ]}
        />
      </FormField>
      {form.values.how === 'own' && <TextField form={form} field="publicKey" label={t('vpn.publicKey')} description={t('vpn.publicKeyHint')} stretch testId={testId} />}
    </SpaceBetween>
  );
}
