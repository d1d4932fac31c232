import Alert from '@cloudscape-design/components/alert';
import FormField from '@cloudscape-design/components/form-field';
import Tiles from '@cloudscape-design/components/tiles';
import type { ReactNode } from 'react';
import type { Switch } from '../api/types';
import { useText } from '../i18n/text';
import { TextField } from '../ui/fields';
import { FormDialog } from '../ui/FormDialog';
import { useForm } from '../ui/useForm';
import { checkPort, portRequest, portValues, switches, type PortRow } from './switches';

/** Says what a port should carry. Without a row it is one that the switch did not tell of. */
export function PortDialog({ of, row, close, done }: { of: Switch; row: PortRow | undefined; close: () => void; done: () => void }): ReactNode {
  const t = useText();
  const form = useForm({
    initial: portValues(row), check: checkPort, send: (v) => switches.setPort(of.id, portRequest(v)),
    done: () => { done(); close(); },
  });
  const { mode } = form.values;
  return (
    <FormDialog title={row === undefined ? t('switch.portSetAny') : t('switch.portSetTitle', { port: row.id })} action={t('ui.save')} form={form} close={close} wide>
      <Alert type="warning">{t('switch.portAbout')}</Alert>
      {row === undefined && <TextField form={form} field="name" label={t('switch.port')} description={t('switch.portNameHint')} placeholder="ge-0/0/1" autoFocus testId="port-name" />}
      <FormField label={t('switch.mode')} errorText={form.errorOf('mode')} stretch>
        <Tiles
          columns={3} value={mode} onChange={(e) => form.set('mode', e.detail.value)}
          items={(['access', 'trunk', 'none'] as const).map((one) => ({ value: one, label: t(`switch.mode.${one}`), description: t(`switch.modeHint.${one}`), controlId: `port-mode-${one}` }))}
        />
      </FormField>
      {mode === 'access' && <TextField form={form} field="accessVlan" label={t('switch.vlan')} constraintText={t('switch.vlanHint')} inputMode="numeric" testId="port-vlan" />}
      {mode === 'trunk' && <TextField form={form} field="trunkVlans" label={t('switch.trunkVlans')} description={t('switch.trunkVlansHint')} placeholder="7, 100-110" stretch testId="port-vlans" />}
    </FormDialog>
  );
}
