import Button from '@cloudscape-design/components/button';
import FormField from '@cloudscape-design/components/form-field';
import Grid from '@cloudscape-design/components/grid';
import Input from '@cloudscape-design/components/input';
import Select from '@cloudscape-design/components/select';
import SpaceBetween from '@cloudscape-design/components/space-between';
import type { ReactNode } from 'react';
import { useAll } from '../api/pages';
import { useText } from '../i18n/text';
import { addressesOf, interfaceName, interfaces } from '../interfaces/interfaces';
import { Label } from '../ui/fields';
import type { Choice } from '../ui/SelectField';
import type { Form } from '../ui/useForm';
import { blankMember, membersMax, rowField, type MemberValues } from './member';

/** The interfaces of a network, to be chosen as members: by the instance's name, where it has no other interface there. */
export function useTargets(network: string): { options: readonly Choice[]; loading: boolean } {
  const all = useAll([interfaces.key, 'network', network], (page) => interfaces.list({ ...page, network }));
  const faces = (all.data ?? []).filter((f) => f.state === 'attached');
  const several = (id: string) => faces.filter((f) => f.instance.id === id).length > 1;
  return { options: faces.map((f) => ({ value: f.id, label: several(f.instance.id) ? interfaceName(f) : f.instance.name, description: addressesOf(f).join(', ') })), loading: all.isPending };
}

/** Rows of members to begin with. */
export function MemberRows({ form, network }: { form: Form<{ readonly members: readonly MemberValues[]; readonly port: string }>; network: string }): ReactNode {
  const t = useText();
  const { members: rows, port } = form.values;
  const { options, loading } = useTargets(network);
  const change = (at: number, part: Partial<MemberValues>) => form.set('members', rows.map((row, n) => (n === at ? { ...row, ...part } : row)));
  return (
    <SpaceBetween size="s">
      {rows.map((row, at) => (
        // A row is its place: nothing else tells two new members apart.
        <Grid key={at} gridDefinition={[{ colspan: { default: 12, s: 5 } }, { colspan: { default: 6, s: 3 } }, { colspan: { default: 6, s: 2 } }, { colspan: { default: 12, s: 2 } }]}>
          <FormField label={t('interface.instance')} errorText={form.errorOf(rowField(at, 'interface'))}>
            <Select
              selectedOption={options.find((o) => o.value === row.interface) ?? null} options={options} placeholder={t('balancer.chooseInstance')} empty={t('balancer.noInstances')} expandToViewport
              statusType={loading ? 'loading' : 'finished'} filteringType={options.length > 10 ? 'auto' : 'none'} data-testid={`member-interface-${at}`} onChange={(e) => change(at, { interface: e.detail.selectedOption.value ?? '' })}
            />
          </FormField>
          <FormField label={<Label text={t('balancer.memberPort')} optional />} errorText={form.errorOf(rowField(at, 'port'))}>
            <Input value={row.port} placeholder={port} inputMode="numeric" autoComplete={false} onChange={(e) => change(at, { port: e.detail.value })} nativeInputAttributes={{ 'data-testid': `member-port-${at}` }} />
          </FormField>
          <FormField label={t('balancer.weight')} errorText={form.errorOf(rowField(at, 'weight'))}>
            <Input value={row.weight} inputMode="numeric" autoComplete={false} onChange={(e) => change(at, { weight: e.detail.value })} nativeInputAttributes={{ 'data-testid': `member-weight-${at}` }} />
          </FormField>
          <FormField label={<>&nbsp;</>}>
            <Button formAction="none" onClick={() => form.set('members', rows.filter((_, n) => n !== at))} ariaLabel={t('balancer.memberRemoveNumber', { number: at + 1 })}>{t('launch.networkRemove')}</Button>
          </FormField>
        </Grid>
      ))}
      <Button formAction="none" iconName="add-plus" disabled={rows.length >= membersMax} onClick={() => form.set('members', [...rows, blankMember])} data-testid="member-add-row">{t('balancer.memberAdd')}</Button>
    </SpaceBetween>
  );
}
