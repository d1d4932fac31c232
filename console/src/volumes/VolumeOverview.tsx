import Box from '@cloudscape-design/components/box';
import Container from '@cloudscape-design/components/container';
import Header from '@cloudscape-design/components/header';
import KeyValuePairs from '@cloudscape-design/components/key-value-pairs';
import SpaceBetween from '@cloudscape-design/components/space-between';
import type { ReactNode } from 'react';
import { useAll } from '../api/pages';
import type { Volume } from '../api/types';
import { useFormat } from '../i18n/format';
import { useText } from '../i18n/text';
import { useMay } from '../session/permissions';
import { Conditions } from '../ui/Conditions';
import { Copy } from '../ui/Copy';
import { ResourceLink } from '../ui/ResourceLink';
import { TagList } from '../ui/TagList';
import { limitsText, volumeTypes } from '../volume-types/volumeTypes';
import { devicePath } from './volumes';
import { VolumeProgress } from './VolumeProgress';
import { VolumeState } from './VolumeState';

export function VolumeOverview({ volume: v }: { volume: Volume }): ReactNode {
  const t = useText();
  const format = useFormat();
  const may = useMay();
  const types = useAll([volumeTypes.key], volumeTypes.list);
  const type = types.data?.find((one) => one.id === v.type?.id);
  return (
    <Container header={<Header variant="h2">{t('ui.overview')}</Header>}>
      <SpaceBetween size="l">
        <KeyValuePairs
          columns={3} minColumnWidth={220}
          items={[
            { label: t('ui.state'), value: <VolumeState volume={v} /> },
            { label: t('volume.instance'), value: v.instance === null ? t('volume.instanceNone') : <><ResourceLink {...v.instance} /> {v.slot !== null && `(${t('volume.slotAt', { slot: v.slot })})`}</> },
            { label: t('volume.size'), value: format.gib(v.sizeGib) },
            { label: t('volume.used'), value: <>{format.bytes(v.usedBytes)}<Note>{t('volume.usedHint')}</Note></> },
            { label: t('volume.pool'), value: <ResourceLink {...v.pool} /> },
            { label: t('volume.host'), value: v.host === null ? t('volume.hostNone') : may('hosts:read', 'cloud') ? <ResourceLink {...v.host} /> : v.host.name },
            ...(v.movingTo ? [{ label: t('volume.movingTo'), value: t('volume.movingAt', { pool: v.movingTo.pool.name, host: v.movingTo.host.name }) }] : []),
            { label: t('volume.type'), value: v.type === null ? t('volume.typeNone') : <><ResourceLink {...v.type} />{type !== undefined && <Note>{limitsText(t, format, type)}</Note>}</> },
            { label: t('volume.encrypted'), value: t(v.encrypted ? 'ui.yes' : 'ui.no') },
            { label: t('volume.origin'), value: v.image !== null ? <ResourceLink {...v.image} /> : v.snapshot !== null ? <ResourceLink {...v.snapshot} /> : v.backup ? <ResourceLink {...v.backup} /> : v.source ? <ResourceLink id={v.source.id} name={t('volume.copyOf', { name: v.source.name })} /> : t('volume.empties') },
            { label: t('volume.snapshots'), value: format.number(v.snapshots) },
            { label: t('volume.deleteOnTermination'), value: t(v.deleteOnTermination ? 'ui.yes' : 'ui.no') },
            { label: t('volume.serial'), value: <Copy text={v.serial} /> },
            { label: t('volume.device'), value: <><Copy text={devicePath(v)} /><Note>{t('volume.deviceAbout')}</Note></> },
            { label: t('tags.title'), value: <TagList tags={v.tags} /> },
            { label: t('ui.created'), value: format.dateTime(v.createdAt) },
          ]}
        />
        {v.work !== null && <VolumeProgress work={v.work} giveUp={v.state === 'creating' ? t('volume.giveUp') : undefined} label={v.source && v.work.kind === 'copy' ? t('volume.copying', { name: v.source.name }) : undefined} />}
        {v.conditions.length > 0 && <Conditions conditions={v.conditions} />}
      </SpaceBetween>
    </Container>
  );
}

function Note({ children }: { children: ReactNode }): ReactNode {
  return <Box fontSize="body-s" color="text-body-secondary">{children}</Box>;
}
