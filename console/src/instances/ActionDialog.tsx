import { useQueryClient } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import type { Instance } from '../api/types';
import { useText } from '../i18n/text';
import { ConfirmDialog } from '../ui/ConfirmDialog';
import { notify } from '../ui/notices';
import { canDo, instances, type Action } from './instances';

/** How many requests of one action are under way at once: more would only wait in the server. */
const atOnce = 6;

/** Asks, then acts on all the chosen instances whose state allows it. Terminating asks for the name, or for the number. */
export function ActionDialog({ action, chosen, close, done }: { action: Action; chosen: readonly Instance[]; close: () => void; done?: () => void }): ReactNode {
  const t = useText();
  const queries = useQueryClient();
  const able = chosen.filter((i) => canDo(action, i));
  const skipped = chosen.filter((i) => !canDo(action, i));
  const [only] = able.length === 1 ? able : [];
  const what = only?.name ?? t('instance.many', { count: able.length });

  const run = async () => {
    const failures: Error[] = [];
    const left = [...able];
    const work = async () => {
      for (let next = left.shift(); next !== undefined; next = left.shift()) {
        const { id, name } = next;
        await instances[action](id).then(
          (changed) => queries.setQueryData([instances.key, 'one', id], changed),
          (error: Error) => failures.push(Object.assign(error, { message: `${name}: ${error.message}` })));
      }
    };
    await Promise.all(Array.from({ length: atOnce }, work));
    void queries.invalidateQueries({ predicate: (q) => [instances.key, 'summary', 'events'].includes(String(q.queryKey[0])) });
    const [failure] = failures;
    if (failure !== undefined && able.length === 1) throw failure;
    if (failures.length < able.length) notify({ type: 'success', saying: { key: `instance.${action}.notice`, values: { what } } });
    if (failures.length > 0) notify({ type: 'error', saying: { key: 'problem.someFailed', values: { failed: failures.length, total: able.length } }, failures });
    done?.();
  };

  if (able.length === 0) return null;
  return (
    <ConfirmDialog
      title={t(`instance.${action}.title`, { what })} action={t(`instance.${action}`)} run={run} close={close}
      typed={action !== 'terminate' ? null : (only?.name ?? String(able.length))}
    >
      {t(`instance.${action}.body`)}
      {able.length > 1 && <ul>{able.slice(0, 10).map((i) => <li key={i.id}>{i.name}</li>)}{able.length > 10 && <li>…</li>}</ul>}
      {skipped.length > 0 && <p>{t('instance.someSkipped', { names: skipped.map((i) => i.name).join(', ') })}</p>}
    </ConfirmDialog>
  );
}
