import Container from '@cloudscape-design/components/container';
import Header from '@cloudscape-design/components/header';
import KeyValuePairs from '@cloudscape-design/components/key-value-pairs';
import SpaceBetween from '@cloudscape-design/components/space-between';
import type { ReactNode } from 'react';
import type { Instance } from '../api/types';
import { sizeText } from '../flavors/flavors';
import { useFormat } from '../i18n/format';
import { useText } from '../i18n/text';
import { machineText } from '../images/images';
import { addressesOf } from '../interfaces/interfaces';
import { useMay } from '../session/permissions';
import { Conditions } from '../ui/Conditions';
import { Copy } from '../ui/Copy';
import { ResourceLink } from '../ui/ResourceLink';
import { TagList } from '../ui/TagList';
import { CdDrive } from './CdDrive';

export function InstanceOverview({ instance: i }: { instance: Instance }): ReactNode {
  const t = useText();
  const format = useFormat();
  const may = useMay();
  const floating = i.interfaces.find((f) => f.floatingAddress !== null)?.floatingAddress;
  const [first] = i.interfaces;
  return (
    <Container header={<Header variant="h2">{t('ui.overview')}</Header>}>
      <SpaceBetween size="l">
        <KeyValuePairs
          columns={4} minColumnWidth={190}
          items={[
            { label: t('instance.floatingAddress'), value: floating ? <Copy text={floating} /> : '-' },
            { label: t('instance.address'), value: first ? addressesOf(first).map((a) => <div key={a}><Copy text={a} /></div>) : '-' },
            { label: t('instance.ssh'), value: floating ? <Copy text={`ssh ${i.defaultUser}@${floating}`} /> : '-' },
            { label: t('instance.keyPair'), value: i.keyPair ? <ResourceLink {...i.keyPair} /> : t('ui.none') },
            { label: t('instance.flavor'), value: i.flavor.name },
            { label: t('instance.size'), value: sizeText(t, format, i) },
            { label: t('instance.image'), value: <ResourceLink {...i.image} /> },
            { label: t('instance.cd'), value: <CdDrive instance={i} /> },
            { label: t('image.machine'), value: machineText(t, i) },
            { label: t('instance.desired'), value: t.word('instance.desired', i.desired) },
            { label: t('instance.zone'), value: i.zone.name },
            { label: t('instance.host'), value: may('hosts:read', 'cloud') ? <ResourceLink {...i.host} /> : i.host.name },
            { label: t('instance.placementGroup'), value: i.placementGroup ? <ResourceLink {...i.placementGroup} /> : t('ui.none') },
            ...(i.hostPool === null ? [] : [{ label: t('hostPool.one'), value: <ResourceLink {...i.hostPool} /> }]),
            ...(Object.keys(i.requiredLabels).length === 0 ? [] : [{ label: t('hostPool.required'), value: <TagList tags={i.requiredLabels} /> }]),
            { label: t('instance.metadata'), value: t(i.metadataEndpoint === 'disabled' ? 'instance.metadata.disabled' : i.metadataTokens === 'required' ? 'instance.metadata.required' : 'instance.metadata.optional') },
            { label: t('instance.protection'), value: t(i.terminationProtection ? 'ui.yes' : 'ui.no') },
            { label: t('ui.created'), value: format.dateTime(i.createdAt) },
            i.terminatedAt !== null
              ? { label: t('instance.terminated'), value: format.dateTime(i.terminatedAt) }
              : { label: t('instance.started'), value: i.startedAt !== null ? format.dateTime(i.startedAt) : '-' },
          ]}
        />
        {i.conditions.length > 0 && <Conditions conditions={i.conditions} />}
      </SpaceBetween>
    </Container>
  );
}
