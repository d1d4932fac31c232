import Box from '@cloudscape-design/components/box';
import Container from '@cloudscape-design/components/container';
import Header from '@cloudscape-design/components/header';
import KeyValuePairs from '@cloudscape-design/components/key-value-pairs';
import SpaceBetween from '@cloudscape-design/components/space-between';
import type { ReactNode } from 'react';
import type { Backup } from '../api/types';
import { useFormat } from '../i18n/format';
import { useText } from '../i18n/text';
import { Conditions } from '../ui/Conditions';
import { Copy } from '../ui/Copy';
import { ResourceLink } from '../ui/ResourceLink';
import { VolumeProgress } from '../volumes/VolumeProgress';
import { BackupState } from './BackupState';

export function BackupOverview({ backup: b }: { backup: Backup }): ReactNode {
  const t = useText();
  const format = useFormat();
  const time = (at: string | null, otherwise: string) => (at === null ? otherwise : format.dateTime(at));
  const hint = b.consistency === 'crash' || b.consistency === 'filesystem' ? t(`snapshot.consistencyHint.${b.consistency}`) : '';
  return (
    <Container header={<Header variant="h2">{t('ui.overview')}</Header>}>
      <SpaceBetween size="l">
        <KeyValuePairs
          columns={3} minColumnWidth={220}
          items={[
            { label: t('ui.state'), value: <BackupState backup={{ ...b, work: null }} /> },
            { label: t('snapshot.volume'), value: <>{b.volume.name}<Note>{b.volume.id}</Note></> },
            { label: t('backup.kind'), value: <>{t.word('backup.kind', b.kind)}{b.parent !== null && <Note>{t('backup.parent')} <ResourceLink {...b.parent} /></Note>}</> },
            { label: t('volume.size'), value: format.gib(b.sizeGib) },
            { label: t('backup.stored'), value: format.bytes(b.storedBytes) },
            { label: t('backup.store'), value: b.store.name },
            { label: t('snapshot.taken'), value: time(b.takenAt, t('snapshot.takenNone')) },
            { label: t('snapshot.consistency'), value: b.consistency === null ? '-' : <>{t.word('snapshot.consistency', b.consistency)}<Note>{hint}</Note></> },
            { label: t('backup.verified'), value: time(b.verifiedAt, t('backup.verifiedNever')) },
            { label: t('schedule.one'), value: b.schedule === null ? t('backup.byHand') : <ResourceLink {...b.schedule} /> },
            { label: t('volume.encrypted'), value: t(b.encrypted ? 'ui.yes' : 'ui.no') },
            { label: t('ui.created'), value: format.dateTime(b.createdAt) },
            ...(b.sha256 === null ? [] : [{ label: t('image.sha256'), value: <Copy text={b.sha256} /> }]),
          ]}
        />
        {b.work !== null && <VolumeProgress work={b.work} giveUp={b.state === 'creating' ? t('backup.giveUp') : undefined} />}
        {b.conditions.length > 0 && <Conditions conditions={b.conditions} />}
      </SpaceBetween>
    </Container>
  );
}

function Note({ children }: { children: ReactNode }): ReactNode {
  return <Box fontSize="body-s" color="text-body-secondary">{children}</Box>;
}
