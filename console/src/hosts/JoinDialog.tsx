import Alert from '@cloudscape-design/components/alert';
import Box from '@cloudscape-design/components/box';
import Button from '@cloudscape-design/components/button';
import FormField from '@cloudscape-design/components/form-field';
import Modal from '@cloudscape-design/components/modal';
import Select from '@cloudscape-design/components/select';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { useState, type ReactNode } from 'react';
import { useAll } from '../api/pages';
import type { JoinToken } from '../api/types';
import { hostPools } from '../host-pools/hostPools';
import { useFormat } from '../i18n/format';
import { useText } from '../i18n/text';
import { Copy } from '../ui/Copy';
import { TextField } from '../ui/fields';
import { FormDialog } from '../ui/FormDialog';
import { SelectField } from '../ui/SelectField';
import { violations, wholeNumber } from '../ui/rules';
import { useForm } from '../ui/useForm';
import { zones } from '../zones/zones';
import { hosts } from './hosts';

const minutesMax = 7 * 24 * 60;

export function JoinDialog({ close }: { close: () => void }): ReactNode {
  const t = useText();
  const format = useFormat();
  const [made, setMade] = useState<JoinToken | null>(null);
  const all = useAll([zones.key], zones.list);
  const pools = useAll([hostPools.key], hostPools.list);
  const form = useForm({
    initial: { zone: '', hostPool: '', minutes: '60' },
    check: (v) => violations(['minutes', wholeNumber(v.minutes, 1, minutesMax)]),
    send: (v) => hosts.createJoinToken({ zone: v.zone === '' ? null : v.zone, expiresInMinutes: Number(v.minutes), hostPool: v.hostPool === '' ? null : v.hostPool }),
    done: setMade,
  });
  const byDefault = { value: '', label: t('host.joinZoneDefault') };
  const options = [byDefault, ...(all.data ?? []).map((z) => ({ value: z.id, label: z.name }))];
  if (made === null)
    return (
      <FormDialog title={t('host.join')} action={t('host.joinMake')} form={form} close={close}>
        <div>{t('host.joinAbout')}</div>
        <FormField label={t('instance.zone')} errorText={form.errorOf('zone')}>
          <Select selectedOption={options.find((o) => o.value === form.values.zone) ?? byDefault} options={options} onChange={(e) => form.set('zone', e.detail.selectedOption.value ?? '')} />
        </FormField>
        <SelectField form={form} field="hostPool" label={t('hostPool.one')} options={[{ value: '', label: t('hostPool.joinDefault') }, ...(pools.data ?? []).map((p) => ({ value: p.id, label: p.name }))]} loading={pools.isPending} testId="join-host-pool" />
        <TextField form={form} field="minutes" label={t('host.joinMinutes')} inputMode="numeric" />
      </FormDialog>
    );
  const command = `kumoi agent --join ${made.token}`;
  return (
    <Modal visible size="large" header={t('host.join')} onDismiss={close} closeAriaLabel={t('ui.close')} footer={<Box float="right"><Button variant="primary" onClick={close}>{t('ui.done')}</Button></Box>}>
      <SpaceBetween size="m">
        <Alert type="info">{t('host.joinOnce', { time: format.dateTime(made.expiresAt) })}</Alert>
        <div>{t('host.joinAbout')}</div>
        <Copy text={command} shown={<code data-testid="join-command">{command}</code>} />
        <Box color="text-body-secondary">{t('host.joinDone')}</Box>
      </SpaceBetween>
    </Modal>
  );
}
