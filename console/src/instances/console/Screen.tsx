import RFB from '@novnc/novnc';
import Button from '@cloudscape-design/components/button';
import ExpandableSection from '@cloudscape-design/components/expandable-section';
import SpaceBetween from '@cloudscape-design/components/space-between';
import Textarea from '@cloudscape-design/components/textarea';
import { useEffect, useRef, useState, type ReactNode } from 'react';
import type { Instance } from '../../api/types';
import { useText } from '../../i18n/text';
import { instances } from '../instances';
import { consoleAddress, type ConsoleState } from './address';
import { ConsoleBar } from './ConsoleBar';
import { NotRunning } from './NotRunning';

/** The guest's screen, keyboard and mouse. */
export function Screen({ instance }: { instance: Instance }): ReactNode {
  const [opened, setOpened] = useState(false);
  if (!opened && instance.state !== 'running') return <NotRunning state={instance.state} />;
  return <ScreenView id={instance.id} opened={() => setOpened(true)} />;
}

function ScreenView({ id, opened }: { id: string; opened: () => void }): ReactNode {
  const t = useText();
  const place = useRef<HTMLDivElement>(null);
  const rfb = useRef<RFB | null>(null);
  const [attempt, setAttempt] = useState(0);
  const [state, setState] = useState<ConsoleState>('connecting');
  const [failure, setFailure] = useState<Error | null>(null);
  const [clipboard, setClipboard] = useState('');

  useEffect(() => {
    const target = place.current;
    if (target === null) return;
    let left = false;
    setState('connecting');
    setFailure(null);
    void instances.openConsole(id, 'screen').then(
      ({ path }) => {
        if (left) return;
        const view = new RFB(target, consoleAddress(path), { wsProtocols: ['binary'], shared: true });
        view.scaleViewport = true;
        view.background = '#0b1220';
        view.addEventListener('connect', () => { setState('connected'); opened(); view.focus(); });
        view.addEventListener('disconnect', () => { if (!left) setState((s) => (s === 'connected' ? 'closed' : 'failed')); });
        view.addEventListener('clipboard', (e) => setClipboard((e as CustomEvent<{ text: string }>).detail.text));
        rfb.current = view;
      },
      (error: Error) => { if (!left) { setFailure(error); setState('failed'); } });
    return () => {
      left = true;
      rfb.current?.disconnect();
      rfb.current = null;
    };
    // `opened` only tells the parent; a new function there is no reason to connect anew.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [id, attempt]);

  const connected = state === 'connected';
  return (
    <SpaceBetween size="s">
      <ConsoleBar state={state} failure={failure}>
        <Button disabled={!connected} onClick={() => rfb.current?.sendCtrlAltDel()}>{t('console.ctrlAltDel')}</Button>
        <Button iconName="full-screen" disabled={!connected} onClick={() => void place.current?.requestFullscreen().then(() => rfb.current?.focus())}>{t('console.fullScreen')}</Button>
        <Button iconName="refresh" onClick={() => setAttempt((n) => n + 1)}>{t('console.reconnect')}</Button>
      </ConsoleBar>
      <div className="kumoi-screen" ref={place} data-testid="screen" />
      <ExpandableSection headerText={t('console.clipboard')} headerDescription={t('console.clipboardHint')}>
        <SpaceBetween size="xs">
          <Textarea value={clipboard} rows={4} ariaLabel={t('console.clipboard')} onChange={(e) => setClipboard(e.detail.value)} />
          <Button disabled={!connected} onClick={() => rfb.current?.clipboardPasteFrom(clipboard)}>{t('console.clipboardSend')}</Button>
        </SpaceBetween>
      </ExpandableSection>
    </SpaceBetween>
  );
}
