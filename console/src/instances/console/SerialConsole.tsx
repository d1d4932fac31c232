import '@xterm/xterm/css/xterm.css';
import Box from '@cloudscape-design/components/box';
import Button from '@cloudscape-design/components/button';
import { FitAddon } from '@xterm/addon-fit';
import { Terminal } from '@xterm/xterm';
import { useEffect, useRef, useState, type ReactNode } from 'react';
import type { Instance } from '../../api/types';
import { useText } from '../../i18n/text';
import { notify } from '../../ui/notices';
import { instances } from '../instances';
import { consoleAddress, type ConsoleState } from './address';
import { ConsoleBar } from './ConsoleBar';
import { NotRunning } from './NotRunning';

export function SerialConsole({ instance }: { instance: Instance }): ReactNode {
  // Once open it stays through a reboot: the host keeps the connection while the guest's process is there.
  const [opened, setOpened] = useState(false);
  if (!opened && instance.state !== 'running') return <NotRunning state={instance.state} />;
  return <SerialTerminal id={instance.id} opened={() => setOpened(true)} />;
}

function SerialTerminal({ id, opened }: { id: string; opened: () => void }): ReactNode {
  const t = useText();
  const place = useRef<HTMLDivElement>(null);
  const terminal = useRef<Terminal | null>(null);
  const [attempt, setAttempt] = useState(0);
  const [state, setState] = useState<ConsoleState>('connecting');
  const [failure, setFailure] = useState<Error | null>(null);

  useEffect(() => {
    if (place.current === null) return;
    const term = new Terminal({
      cursorBlink: true, scrollback: 5000, fontSize: 14, fontFamily: "ui-monospace, 'DejaVu Sans Mono', 'Noto Sans Mono CJK JP', monospace",
      theme: { background: '#0b1220', foreground: '#d7e0ee' },
    });
    const fit = new FitAddon();
    term.loadAddon(fit);
    term.open(place.current);
    terminal.current = term;
    // Fitting while the browser is still laying out would make it observe its own change.
    const resized = new ResizeObserver(() => requestAnimationFrame(() => fit.fit()));
    resized.observe(place.current);
    return () => {
      resized.disconnect();
      terminal.current = null;
      term.dispose();
    };
  }, []);

  useEffect(() => {
    const term = terminal.current;
    if (term === null) return;
    let socket: WebSocket | null = null;
    let left = false;
    const encoder = new TextEncoder();
    const send = (bytes: Uint8Array<ArrayBuffer>) => { if (socket?.readyState === WebSocket.OPEN) socket.send(bytes); };
    const typed = term.onData((text) => send(encoder.encode(text)));
    const typedBytes = term.onBinary((text) => send(Uint8Array.from(text, (c) => c.charCodeAt(0))));
    setState('connecting');
    setFailure(null);
    void instances.openConsole(id, 'serial').then(
      ({ path }) => {
        if (left) return;
        socket = new WebSocket(consoleAddress(path), 'binary');
        socket.binaryType = 'arraybuffer';
        socket.onopen = () => { term.reset(); setState('connected'); opened(); term.focus(); };
        socket.onmessage = ({ data }) => term.write(typeof data === 'string' ? data : new Uint8Array(data as ArrayBuffer));
        socket.onclose = () => { if (!left) setState((s) => (s === 'connected' ? 'closed' : 'failed')); };
      },
      (error: Error) => { if (!left) { setFailure(error); setState('failed'); } });
    return () => {
      left = true;
      typed.dispose();
      typedBytes.dispose();
      socket?.close();
    };
    // `opened` only tells the parent; a new function there is no reason to connect anew.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [id, attempt]);

  const copy = () => void navigator.clipboard.writeText(terminal.current?.getSelection() ?? '');
  const paste = () => void Promise.resolve().then(() => navigator.clipboard.readText()).then(
    (text) => { terminal.current?.paste(text); terminal.current?.focus(); },
    () => notify({ type: 'info', saying: { key: 'console.pasteRefused' } }));
  return (
    <>
      <ConsoleBar state={state} failure={failure}>
        <Button iconName="copy" onClick={copy}>{t('console.copySelection')}</Button>
        <Button onClick={paste}>{t('console.paste')}</Button>
        <Button iconName="refresh" onClick={() => setAttempt((n) => n + 1)} data-testid="serial-reconnect">{t('console.reconnect')}</Button>
      </ConsoleBar>
      <div className="kumoi-terminal" ref={place} data-testid="serial-terminal" />
      <Box fontSize="body-s" color="text-body-secondary" padding={{ top: 'xs' }}>{t('console.serialHint')}</Box>
    </>
  );
}
