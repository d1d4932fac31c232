import FormField from '@cloudscape-design/components/form-field';
import Textarea from '@cloudscape-design/components/textarea';
import Tiles from '@cloudscape-design/components/tiles';
import { useState, type ReactNode } from 'react';
import type { KeyPairCreated } from '../api/types';
import { useText } from '../i18n/text';
import { TextField } from '../ui/fields';
import { FormDialog } from '../ui/FormDialog';
import { name, publicKey, violations } from '../ui/rules';
import { TextDialog } from '../ui/TextDialog';
import { useForm } from '../ui/useForm';
import { keyPairs } from './keyPairs';

/** Creates or imports a key pair, then shows a generated private key, once. */
export function CreateKeyPairDialog({ close, created }: { close: () => void; created: (made: KeyPairCreated) => void | Promise<void> }): ReactNode {
  const t = useText();
  const [made, setMade] = useState<KeyPairCreated | null>(null);
  const form = useForm({
    initial: { how: 'generate', name: '', publicKey: '' },
    check: (v) => violations(['name', name(v.name)], ['publicKey', v.how === 'import' ? publicKey(v.publicKey) : null]),
    send: (v) => keyPairs.create({ name: v.name, publicKey: v.how === 'import' ? v.publicKey.trim() : null }),
    done: (pair) => {
      void created(pair);
      if (pair.privateKey === null) close();
      else setMade(pair);
    },
  });
  if (made !== null && made.privateKey !== null) {
    return (
      <TextDialog
        title={t('keyPair.madeTitle', { name: made.name })} once={{ notice: t('keyPair.once'), kept: t('keyPair.kept') }} fileName={`${made.name}.pem`} text={made.privateKey} testId="private-key" close={close}
      />
    );
  }
  return (
    <FormDialog title={t('keyPair.create')} action={t('ui.create')} form={form} close={close}>
      <TextField form={form} field="name" label={t('ui.name')} autoFocus testId="key-pair-name" />
      <FormField label={t('keyPair.how')} stretch>
        <Tiles
          columns={2} value={form.values.how} onChange={(e) => form.set('how', e.detail.value)}
          items={[
            { value: 'generate', label: t('keyPair.how.generate'), description: t('keyPair.how.generateHint') },
            { value: 'import', label: t('keyPair.how.import'), description: t('keyPair.how.importHint') },
          ]}
        />
      </FormField>
      {form.values.how === 'import' && (
        <FormField label={t('keyPair.publicKey')} description={t('keyPair.publicKeyHint')} errorText={form.errorOf('publicKey')} stretch>
          <div className="kumoi-mono"><Textarea value={form.values.publicKey} rows={4} spellcheck={false} placeholder="ssh-ed25519 AAAA…" onChange={(e) => form.set('publicKey', e.detail.value)} /></div>
        </FormField>
      )}
    </FormDialog>
  );
}
