import Alert from '@cloudscape-design/components/alert';
import Box from '@cloudscape-design/components/box';
import Button from '@cloudscape-design/components/button';
import Checkbox from '@cloudscape-design/components/checkbox';
import CopyToClipboard from '@cloudscape-design/components/copy-to-clipboard';
import Modal from '@cloudscape-design/components/modal';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { useState, type ReactNode } from 'react';
import { useText } from '../i18n/text';
import { download } from './download';

interface Props {
  title: string;
  about?: string;
  /** A text that is shown this once: what warns of it, and what the user confirms before the dialog closes. */
  once: { notice: string; kept: string } | null;
  fileName: string;
  text: string;
  testId: string;
  close: () => void;
  children?: ReactNode;
}

/** A text to take along, by download or copy. One that is shown this once is not closed by accident. */
export function TextDialog({ title, about, once, fileName, text, testId, close, children }: Props): ReactNode {
  const t = useText();
  const [kept, setKept] = useState(once === null);
  return (
    <Modal
      visible header={title} size="large" closeAriaLabel={t('ui.close')} onDismiss={() => { if (kept) close(); }}
      footer={<Box float="right"><Button variant="primary" disabled={!kept} onClick={close} data-testid={`${testId}-done`}>{t('ui.done')}</Button></Box>}
    >
      <SpaceBetween size="m">
        {once !== null && <Alert type="warning">{once.notice}</Alert>}
        {about !== undefined && <div>{about}</div>}
        {children}
        <SpaceBetween direction="horizontal" size="xs">
          <Button iconName="download" variant="primary" onClick={() => { download(fileName, text); setKept(true); }} data-testid={`${testId}-download`}>{t('ui.download')}</Button>
          <CopyToClipboard textToCopy={text} copyButtonText={t('ui.copy')} copySuccessText={t('ui.copied')} copyErrorText={t('ui.copyFailed')} />
        </SpaceBetween>
        <pre className="kumoi-log" style={{ maxHeight: 320 }} data-testid={testId}>{text}</pre>
        {once !== null && <Checkbox checked={kept} onChange={(e) => setKept(e.detail.checked)} data-testid={`${testId}-kept`}>{once.kept}</Checkbox>}
      </SpaceBetween>
    </Modal>
  );
}
