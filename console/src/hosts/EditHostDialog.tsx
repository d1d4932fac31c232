import { useState, type ReactNode } from 'react';
import { useAll } from '../api/pages';
import { useStale } from '../api/stale';
import type { Host } from '../api/types';
import { hostPools, staleWithHostPools } from '../host-pools/hostPools';
import { useText } from '../i18n/text';
import { FormDialog } from '../ui/FormDialog';
import { notify } from '../ui/notices';
import { SelectField } from '../ui/SelectField';
import { checkTags, tagChanges, tagRows } from '../ui/tags';
import { PairsField } from '../ui/TagsField';
import { useForm } from '../ui/useForm';
import { hosts } from './hosts';

/** The pool that a host is in, and what is noted of it for placement. */
export function EditHostDialog({ host, close }: { host: Host; close: () => void }): ReactNode {
  const t = useText();
  const stale = useStale();
  const all = useAll([hostPools.key], hostPools.list);
  // What it was when the dialog opened: live updates must not change what counts as a change.
  const [first] = useState(() => ({ hostPool: host.hostPool.id, labels: tagRows(host.labels) }));
  const form = useForm({
    initial: first, check: (v) => checkTags(v.labels, 'labels'),
    send: (v) => hosts.update(host.id, { hostPool: v.hostPool === first.hostPool ? null : v.hostPool, labels: tagChanges(v.labels, first.labels) }),
    done: () => {
      notify({ type: 'success', saying: { key: 'hostPool.hostSaved', values: { name: host.name } } });
      stale(staleWithHostPools);
      close();
    },
  });
  const options = [...(all.data ?? [])].map((p) => ({ value: p.id, label: p.name }));
  return (
    <FormDialog title={t('hostPool.hostEditTitle', { name: host.name })} action={t('ui.save')} form={form} close={close} wide>
      <SelectField form={form} field="hostPool" label={t('hostPool.one')} description={t('hostPool.hostMoves')} options={options.length === 0 ? [{ value: host.hostPool.id, label: host.hostPool.name }] : options} loading={all.isPending} testId="host-host-pool" />
      <PairsField form={form} field="labels" label={t('hostPool.labels')} description={t('hostPool.labelsHint')} addText={t('hostPool.addLabel')} testId="label" />
    </FormDialog>
  );
}
