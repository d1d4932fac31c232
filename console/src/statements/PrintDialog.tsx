import Box from '@cloudscape-design/components/box';
import Button from '@cloudscape-design/components/button';
import Modal from '@cloudscape-design/components/modal';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { useQuery } from '@tanstack/react-query';
import { useRef, type ReactNode } from 'react';
import { language } from '../i18n/language';
import { useText } from '../i18n/text';
import { Loading } from '../ui/Loading';
import { ProblemAlert } from '../ui/ProblemAlert';
import { useStore } from '../ui/store';
import type { Source } from './statements';

/** The server's page of a statement, read with the session's token and shown in a frame in which nothing runs; from there it is printed. */
export function PrintDialog({ from, which, title, close }: { from: Source; which: string; title: string; close: () => void }): ReactNode {
  const t = useText();
  const lang = useStore(language);
  const frame = useRef<HTMLIFrameElement>(null);
  const { data, error } = useQuery({ queryKey: [from.key, 'page', which, lang], queryFn: () => from.page(which) });
  return (
    <Modal
      visible size="max" header={title} onDismiss={close} closeAriaLabel={t('ui.close')}
      footer={
        <Box float="right">
          <SpaceBetween direction="horizontal" size="xs">
            <Button variant="link" onClick={close}>{t('ui.close')}</Button>
            <Button variant="primary" disabled={data === undefined} onClick={() => frame.current?.contentWindow?.print()} data-testid="statement-print-now">{t('statement.print')}</Button>
          </SpaceBetween>
        </Box>
      }
    >
      <ProblemAlert failure={error} />
      {data === undefined ? error === null && <Loading /> : <iframe ref={frame} className="kumoi-paper" title={t('statement.preview')} sandbox="allow-same-origin allow-modals" srcDoc={data} data-testid="statement-page" />}
    </Modal>
  );
}
