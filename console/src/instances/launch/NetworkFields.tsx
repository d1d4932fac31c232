import Button from '@cloudscape-design/components/button';
import Checkbox from '@cloudscape-design/components/checkbox';
import FormField from '@cloudscape-design/components/form-field';
import Grid from '@cloudscape-design/components/grid';
import Input from '@cloudscape-design/components/input';
import Select from '@cloudscape-design/components/select';
import SpaceBetween from '@cloudscape-design/components/space-between';
import type { ReactNode } from 'react';
import { useText } from '../../i18n/text';
import { useNetworkChoices } from '../../networks/choices';
import { SecurityGroupPicker } from '../../security-groups/SecurityGroupPicker';
import { Label } from '../../ui/fields';
import { isV6 } from '../../ui/rules';
import type { Form } from '../../ui/useForm';
import { blankInterface, interfacesMax, type InterfaceValues, type LaunchValues } from './launch';

/** The networks that the instance is in, in the order of its interfaces, and its groups. */
export function NetworkFields({ form }: { form: Form<LaunchValues> }): ReactNode {
  const t = useText();
  const rows = form.values.interfaces;
  const replace = (at: number, row: InterfaceValues) => form.set('interfaces', rows.map((old, n) => (n === at ? row : old)));
  return (
    <SpaceBetween size="l">
      <SpaceBetween size="s">
        {rows.map((row, at) => (
          // A row is its place: the first is the guest's first interface.
          <Row key={at} form={form} at={at} row={row} change={(next) => replace(at, next)} remove={rows.length > 1 ? () => form.set('interfaces', rows.filter((_, n) => n !== at)) : null} />
        ))}
        <Button formAction="none" iconName="add-plus" disabled={rows.length >= interfacesMax} onClick={() => form.set('interfaces', [...rows, blankInterface])} data-testid="launch-add-network">{t('launch.networkAdd')}</Button>
      </SpaceBetween>
      <Checkbox checked={form.values.floating} onChange={(e) => form.set('floating', e.detail.checked)} description={t('launch.floatingHint')} data-testid="launch-floating">{t('launch.floating')}</Checkbox>
      <FormField label={<Label text={t('instance.securityGroups')} optional />} description={t('launch.groupsHint')} errorText={form.errorOf('securityGroups')}>
        <SecurityGroupPicker chosen={form.values.securityGroups} choose={(ids) => form.set('securityGroups', ids)} />
      </FormField>
    </SpaceBetween>
  );
}

function Row({ form, at, row, change, remove }: { form: Form<LaunchValues>; at: number; row: InterfaceValues; change: (row: InterfaceValues) => void; remove: (() => void) | null }): ReactNode {
  const t = useText();
  const choices = useNetworkChoices('offered');
  const byDefault = { value: '', label: t('launch.networkDefault') };
  const options = [byDefault, ...choices.options];
  const chosen = choices.networks?.find((n) => (row.network === '' ? n.name === 'default' : n.id === row.network));
  const both = chosen?.subnets.some((s) => isV6(s.cidr)) === true && chosen.subnets.some((s) => !isV6(s.cidr));
  const errorOf = (field: string) => form.errorOf(`interfaces[${at}].${field}`);
  const address = (field: 'address' | 'address6', label: string) => (
    <FormField label={<Label text={label} optional />} constraintText={t('interface.addressHint')} errorText={errorOf(field)}>
      <Input value={row[field]} spellcheck={false} autoComplete={false} onChange={(e) => change({ ...row, [field]: e.detail.value })} nativeInputAttributes={{ 'data-testid': `launch-${field}-${at}` }} />
    </FormField>
  );
  return (
    <Grid gridDefinition={[{ colspan: { default: 12, s: 4 } }, { colspan: { default: 12, s: 3 } }, { colspan: { default: 12, s: 3 } }, { colspan: { default: 12, s: 2 } }]}>
      <FormField label={at === 0 ? t('instance.network') : t('launch.networkNumber', { number: at + 1 })} errorText={errorOf('network') ?? (at === 0 ? form.errorOf('network') : undefined)}>
        <Select
          selectedOption={options.find((o) => o.value === row.network) ?? byDefault} options={options} data-testid={at === 0 ? 'launch-network' : `launch-network-${at}`} expandToViewport
          statusType={choices.loading ? 'loading' : 'finished'} filteringType={options.length > 10 ? 'auto' : 'none'} onChange={(e) => change({ ...blankInterface, network: e.detail.selectedOption.value ?? '' })}
        />
      </FormField>
      {address('address', both ? t('interface.address4') : t('launch.fixedAddress'))}
      {both ? address('address6', t('interface.address6')) : <></>}
      {remove !== null ? <FormField label={<>&nbsp;</>}><Button formAction="none" onClick={remove} ariaLabel={t('launch.networkRemoveNumber', { number: at + 1 })}>{t('launch.networkRemove')}</Button></FormField> : <></>}
    </Grid>
  );
}
