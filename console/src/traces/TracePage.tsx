import Autosuggest from '@cloudscape-design/components/autosuggest';
import Button from '@cloudscape-design/components/button';
import ColumnLayout from '@cloudscape-design/components/column-layout';
import Container from '@cloudscape-design/components/container';
import FormField from '@cloudscape-design/components/form-field';
import Header from '@cloudscape-design/components/header';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { useState, type ReactNode } from 'react';
import { useSearchParams } from 'react-router';
import { useAll } from '../api/pages';
import type { PacketTrace } from '../api/types';
import { useText } from '../i18n/text';
import { addressesOf, interfaceName, interfaces } from '../interfaces/interfaces';
import { balancerAddresses, loadBalancers } from '../load-balancers/loadBalancers';
import { TextField } from '../ui/fields';
import { Page } from '../ui/Page';
import { ProblemAlert } from '../ui/ProblemAlert';
import { SelectField } from '../ui/SelectField';
import { useForm, type Form } from '../ui/useForm';
import { TraceSteps } from './TraceSteps';
import { checkTrace, outside, traceFrom, traceRequest, traces, type TraceValues } from './traces';

const protocols = ['tcp', 'udp', 'icmp', 'any'] as const;

/** Why a packet does not get there. */
export function TracePage(): ReactNode {
  const t = useText();
  const [search, setSearch] = useSearchParams();
  const [trace, setTrace] = useState<PacketTrace | null>(null);
  const form = useForm<TraceValues, PacketTrace>({
    initial: traceFrom(search), check: checkTrace,
    send: (v) => {
      setSearch({ ...v }, { replace: true });
      setTrace(null);
      return traces.ask(traceRequest(v));
    },
    done: setTrace,
  });
  const { protocol } = form.values;
  return (
    <Page trail={[{ text: t('trace.title'), href: '/trace' }]}>
      <SpaceBetween size="l">
        <Header variant="h1" description={t('trace.about')}>{t('trace.title')}</Header>
        <form onSubmit={(e) => { e.preventDefault(); form.submit(); }}>
          <Container>
            <SpaceBetween size="m">
              <ColumnLayout columns={2}>
                <EndField form={form} field="from" label={t('trace.from')} />
                <EndField form={form} field="to" label={t('trace.to')} />
                <SelectField form={form} field="protocol" label={t('securityGroup.protocol')} options={protocols.map((p) => ({ value: p, label: t(`securityGroup.protocol.${p}`) }))} testId="trace-protocol" />
                {protocol !== 'any' && (
                  <TextField
                    form={form} field="port" label={t(protocol === 'icmp' ? 'securityGroup.icmpTypeField' : 'trace.port')} constraintText={t(protocol === 'icmp' ? 'trace.typeHint' : 'trace.portHint')} inputMode="numeric"
                    optional testId="trace-port"
                  />
                )}
              </ColumnLayout>
              <Button variant="primary" formAction="submit" loading={form.busy} data-testid="trace-submit">{t('trace.submit')}</Button>
            </SpaceBetween>
          </Container>
        </form>
        <ProblemAlert failure={form.failure} />
        {trace !== null && <TraceSteps trace={trace} />}
      </SpaceBetween>
    </Page>
  );
}

/** An end of the packet: typed, or chosen among what the account has. */
function EndField({ form, field, label }: { form: Form<TraceValues>; field: 'from' | 'to'; label: string }): ReactNode {
  const t = useText();
  const all = useAll([interfaces.key], interfaces.list);
  const balancers = useAll([loadBalancers.key], loadBalancers.list);
  const faces = all.data ?? [];
  const several = new Set(faces.filter((f) => f.index > 0).map((f) => f.instance.id));
  const options = [
    { value: outside, label: outside, description: t('trace.outsideHint') },
    ...[...new Map(faces.map((f) => [f.instance.id, f])).values()].map((f) => ({ value: f.instance.name, label: f.instance.name, description: several.has(f.instance.id) ? t('trace.anyInterface') : addressesOf(f).join(', ') })),
    ...faces.filter((f) => several.has(f.instance.id)).map((f) => ({ value: f.id, label: interfaceName(f), description: `${f.network.name} · ${addressesOf(f).join(', ')}` })),
    ...faces.flatMap((f) => (f.floatingAddress === null ? [] : [{ value: f.floatingAddress, label: f.floatingAddress, description: t('trace.floatingOf', { name: interfaceName(f) }) }])),
    ...(balancers.data ?? []).map((b) => ({ value: b.name, label: b.name, description: `${t('floatingAddress.loadBalancer')} · ${balancerAddresses(b).join(', ')}` })),
  ];
  return (
    <FormField label={label} constraintText={t('trace.endHint')} errorText={form.errorOf(field)}>
      <Autosuggest
        value={form.values[field]} options={options} statusType={all.isPending ? 'loading' : 'finished'} enteredTextLabel={(text) => t('trace.use', { text })} expandToViewport
        onChange={(e) => form.set(field, e.detail.value)} nativeInputAttributes={{ 'data-testid': `trace-${field}`, spellCheck: false }}
      />
    </FormField>
  );
}
