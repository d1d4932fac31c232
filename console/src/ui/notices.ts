import type { Saying } from '../i18n/catalogue';
import { store } from './store';

/** A message above the page. It is said in the language of the moment, so it is kept as a message, not as a text. */
export interface Notice {
  readonly id: number;
  readonly type: 'success' | 'error' | 'info' | 'warning';
  readonly saying: Saying;
  readonly failures?: readonly Error[];
  readonly link?: { readonly to: string; readonly text: string };
}

const noticesMax = 5;
const successShownMs = 6_000;
let last = 0;

export const notices = store<readonly Notice[]>([]);

export function notify(notice: Omit<Notice, 'id'>): void {
  const id = ++last;
  notices.set([{ ...notice, id }, ...notices.get()].slice(0, noticesMax));
  if (notice.type === 'success') window.setTimeout(() => dismiss(id), successShownMs);
}

export function dismiss(id: number): void {
  notices.set(notices.get().filter((n) => n.id !== id));
}
