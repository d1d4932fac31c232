import Button from '@cloudscape-design/components/button';
import ProgressBar from '@cloudscape-design/components/progress-bar';
import { useEffect, useRef, useState, type ReactNode } from 'react';
import type { Image } from '../api/types';
import { useFormat } from '../i18n/format';
import { useText } from '../i18n/text';
import { download } from '../ui/download';
import { ProblemAlert } from '../ui/ProblemAlert';
import { read } from './bytes';
import { fileName } from './images';

/** Reads an image's bytes into a file on the user's machine; leaving the page ends it. */
export function useDownload(image: Image | undefined): { button: ReactNode; progress: ReactNode } {
  const t = useText();
  const format = useFormat();
  const [received, setReceived] = useState<number | null>(null);
  const [failure, setFailure] = useState<Error | null>(null);
  const cancel = useRef<AbortController | null>(null);
  useEffect(() => () => cancel.current?.abort(), []);
  const size = image?.sizeBytes ?? 0;
  const run = async (of: Image) => {
    const ended = (cancel.current = new AbortController());
    let shown = -1;
    setFailure(null);
    setReceived(0);
    try {
      const bytes = await read(of.id, (now) => {
        // Drawn once for each percent: parts come by the thousand.
        const percent = Math.floor((100 * now) / Math.max(1, size));
        if (percent !== shown) setReceived(now);
        shown = percent;
      }, ended.signal);
      download(fileName(of), bytes);
    } catch (error) {
      if (!ended.signal.aborted) setFailure(error as Error);
    } finally {
      setReceived(null);
    }
  };
  return {
    button: <Button key="download" iconName="download" loading={received !== null} disabled={image?.state !== 'available'} onClick={() => image && void run(image)} data-testid="image-download">{t('ui.download')}</Button>,
    progress: (
      <>
        <ProblemAlert failure={failure} />
        {received !== null && (
          <ProgressBar
            label={t('image.downloading')} value={(100 * received) / Math.max(1, size)}
            additionalInfo={<>{t('image.received', { received: format.bytes(received), expected: format.bytes(size) })} <Button variant="inline-link" onClick={() => cancel.current?.abort()}>{t('image.cancelDownload')}</Button></>}
          />
        )}
      </>
    ),
  };
}
