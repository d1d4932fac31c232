import { useState } from 'react';
import { download } from './download';
import { notify } from './notices';

/** Reads something of the API with the session's token, and saves it as a file; tells what kept it from that. */
export function useFile(): { busy: boolean; save: (name: string, read: () => Promise<Blob>) => Promise<void> } {
  const [busy, setBusy] = useState(false);
  const save = async (name: string, read: () => Promise<Blob>) => {
    setBusy(true);
    try {
      download(name, await read());
    } catch (failure) {
      notify({ type: 'error', saying: { key: 'problem.someFailed', values: { failed: 1, total: 1 } }, failures: [failure as Error] });
    } finally {
      setBusy(false);
    }
  };
  return { busy, save };
}
