import { useQueryClient } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import type { Ref } from '../api/types';
import type { MessageKey } from '../i18n/catalogue';
import { useText } from '../i18n/text';
import { ConfirmDialog } from './ConfirmDialog';
import { notify } from './notices';

interface Props {
  items: readonly Ref[];
  /** Reads again what these key prefixes name. */
  stale: readonly string[];
  remove: (id: string) => Promise<unknown>;
  children?: ReactNode;
  /** Where it is not a resource that goes: what is asked, done and said instead. */
  title?: string;
  action?: string;
  notice?: MessageKey;
  close: () => void;
  done?: () => void;
}

/** Deletes resources one after another; the first that cannot be deleted stops it and says why. */
export function DeleteDialog({ items, stale, remove, children, title, action, notice = 'ui.deleted', close, done }: Props): ReactNode {
  const t = useText();
  const queries = useQueryClient();
  const [first] = items;
  if (first === undefined) return null;
  const run = async () => {
    try {
      for (const item of items) {
        await remove(item.id);
        notify({ type: 'success', saying: { key: notice, values: { name: item.name } } });
      }
      done?.();
    } finally {
      void queries.invalidateQueries({ predicate: (q) => [...stale, 'summary'].includes(String(q.queryKey[0])) });
    }
  };
  return (
    <ConfirmDialog
      title={title ?? (items.length === 1 ? t('ui.deleteTitle', { name: first.name }) : t('ui.deleteManyTitle', { count: items.length }))}
      action={action ?? t('ui.delete')} typed={null} run={run} close={close}
    >
      {items.length > 1 && <ul>{items.map((i) => <li key={i.id}>{i.name}</li>)}</ul>}
      {children ?? t('ui.deleteBody')}
    </ConfirmDialog>
  );
}
