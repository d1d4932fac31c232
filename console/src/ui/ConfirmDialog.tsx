import Box from '@cloudscape-design/components/box';
import Button from '@cloudscape-design/components/button';
import FormField from '@cloudscape-design/components/form-field';
import Input from '@cloudscape-design/components/input';
import Modal from '@cloudscape-design/components/modal';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { useState, type ReactNode } from 'react';
import { useText } from '../i18n/text';
import { ProblemAlert } from './ProblemAlert';

interface Props {
  title: string;
  children: ReactNode;
  action: string;
  /** Text to type before the action can be taken; null if a click is enough. */
  typed: string | null;
  run: () => Promise<void>;
  close: () => void;
}

/** Asks before something is done; stays open with the reason if it fails. */
export function ConfirmDialog({ title, children, action, typed, run, close }: Props): ReactNode {
  const t = useText();
  const [text, setText] = useState('');
  const [busy, setBusy] = useState(false);
  const [failure, setFailure] = useState<Error | null>(null);
  const ready = typed === null || text.trim() === typed;
  const confirm = async () => {
    if (!ready || busy) return;
    setBusy(true);
    setFailure(null);
    try {
      await run();
      close();
    } catch (error) {
      setFailure(error as Error);
      setBusy(false);
    }
  };
  return (
    <Modal
      visible header={title} onDismiss={close} closeAriaLabel={t('ui.close')} data-testid="confirm-dialog"
      footer={
        <Box float="right">
          <SpaceBetween direction="horizontal" size="xs">
            <Button variant="link" onClick={close}>{t('ui.cancel')}</Button>
            <Button variant="primary" loading={busy} disabled={!ready} onClick={() => void confirm()} data-testid="confirm-submit">{action}</Button>
          </SpaceBetween>
        </Box>
      }
    >
      <SpaceBetween size="m">
        <ProblemAlert failure={failure} />
        <div>{children}</div>
        {typed !== null && (
          <form onSubmit={(e) => { e.preventDefault(); e.stopPropagation(); void confirm(); }}>
            <FormField label={t('ui.typeToConfirm', { text: typed })}>
              <Input value={text} onChange={(e) => setText(e.detail.value)} autoFocus spellcheck={false} autoComplete={false}
                nativeInputAttributes={{ 'data-testid': 'confirm-text' }} />
            </FormField>
          </form>
        )}
      </SpaceBetween>
    </Modal>
  );
}
