import Container from '@cloudscape-design/components/container';
import Header from '@cloudscape-design/components/header';
import KeyValuePairs from '@cloudscape-design/components/key-value-pairs';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { useQueryClient } from '@tanstack/react-query';
import { useState, type ReactNode } from 'react';
import { useAll } from '../api/pages';
import type { Network } from '../api/types';
import { floatingAddresses } from '../floating-addresses/floatingAddresses';
import { useText } from '../i18n/text';
import { PortForwardTable } from '../port-forwards/PortForwardTable';
import { Copy } from '../ui/Copy';
import { FormDialog } from '../ui/FormDialog';
import { SelectField } from '../ui/SelectField';
import { useForm } from '../ui/useForm';
import { WriteButton } from '../ui/WriteButton';
import { networks } from './networks';

/** How guests without a floating address reach the outside, and are reached. */
export function OutsideTab({ network }: { network: Network }): ReactNode {
  const t = useText();
  const [editing, setEditing] = useState(false);
  return (
    <SpaceBetween size="l">
      <Container header={<Header variant="h3" actions={<WriteButton needs="networks:write" onClick={() => setEditing(true)} data-testid="edit-source">{t('network.sourceEdit')}</WriteButton>}>{t('network.source')}</Header>}>
        <KeyValuePairs
          columns={2}
          items={[
            { label: t('network.outside'), value: t(network.outside === 'none' ? 'network.outside.none' : 'network.outside.nat') },
            { label: t('network.source'), value: network.outside === 'none' ? '-' : network.sourceAddress === null ? t('network.sourceHost') : <Copy text={network.sourceAddress} /> },
          ]}
        />
      </Container>
      <PortForwardTable network={network.id} />
      {editing && <SourceDialog network={network} close={() => setEditing(false)} />}
    </SpaceBetween>
  );
}

function SourceDialog({ network, close }: { network: Network; close: () => void }): ReactNode {
  const t = useText();
  const queries = useQueryClient();
  const all = useAll([floatingAddresses.key], floatingAddresses.list);
  const form = useForm({
    initial: { sourceAddress: network.sourceAddress ?? 'none' }, check: () => [],
    send: (v) => networks.update(network.id, { mtu: null, outside: null, domain: null, searchDomains: null, dnsServers: null, sourceAddress: v.sourceAddress }),
    done: (changed) => {
      queries.setQueryData([networks.key, 'one', network.id], changed);
      void queries.invalidateQueries({ queryKey: [floatingAddresses.key] });
      close();
    },
  });
  const usable = (all.data ?? []).filter((a) => a.interface === null && (a.network === null || a.network.id === network.id));
  return (
    <FormDialog title={t('network.sourceEdit')} action={t('ui.save')} form={form} close={close}>
      <SelectField
        form={form} field="sourceAddress" label={t('network.source')} description={t('network.sourceHint')} loading={all.isPending} testId="source-address"
        options={[{ value: 'none', label: t('network.sourceHost') }, ...usable.map((a) => ({ value: a.address, label: a.address, description: a.description }))]}
      />
    </FormDialog>
  );
}
