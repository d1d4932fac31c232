import Box from '@cloudscape-design/components/box';
import Button from '@cloudscape-design/components/button';
import Header from '@cloudscape-design/components/header';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { useQuery } from '@tanstack/react-query';
import { useEffect, useRef, type ReactNode } from 'react';
import type { Instance } from '../../api/types';
import { useText } from '../../i18n/text';
import { download } from '../../ui/download';
import { ProblemAlert } from '../../ui/ProblemAlert';
import { instances } from '../instances';
import { plainText } from './plainText';

export function ConsoleLog({ instance }: { instance: Instance }): ReactNode {
  const t = useText();
  const log = useQuery({ queryKey: ['console-log', instance.id], queryFn: () => instances.consoleLog(instance.id), staleTime: 0 });
  const text = plainText(log.data ?? '');
  const pre = useRef<HTMLPreElement>(null);
  useEffect(() => { if (pre.current) pre.current.scrollTop = pre.current.scrollHeight; }, [text]);
  return (
    <SpaceBetween size="s">
      <Header
        variant="h3" description={t('console.log')}
        actions={
          <SpaceBetween direction="horizontal" size="xs">
            <Button iconName="refresh" loading={log.isFetching} onClick={() => void log.refetch()}>{t('ui.refresh')}</Button>
            <Button iconName="download" disabled={!log.data} onClick={() => download(`${instance.name}.log`, log.data ?? '')}>{t('ui.download')}</Button>
          </SpaceBetween>
        }
      >
        {t('instance.tab.log')}
      </Header>
      <ProblemAlert failure={log.error} />
      {text !== '' && <pre className="kumoi-log" ref={pre} tabIndex={0} data-testid="console-log">{text}</pre>}
      {text === '' && log.isSuccess && <Box color="text-body-secondary">{t('console.logEmpty')}</Box>}
    </SpaceBetween>
  );
}
