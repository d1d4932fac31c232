import Box from '@cloudscape-design/components/box';
import Container from '@cloudscape-design/components/container';
import Header from '@cloudscape-design/components/header';
import KeyValuePairs from '@cloudscape-design/components/key-value-pairs';
import SpaceBetween from '@cloudscape-design/components/space-between';
import type { ReactNode } from 'react';
import type { Snapshot } from '../api/types';
import { useFormat } from '../i18n/format';
import { useText } from '../i18n/text';
import { Conditions } from '../ui/Conditions';
import { ResourceLink } from '../ui/ResourceLink';
import { TagList } from '../ui/TagList';
import { SnapshotState } from './SnapshotState';

export function SnapshotOverview({ snapshot: s }: { snapshot: Snapshot }): ReactNode {
  const t = useText();
  const format = useFormat();
  const hint = s.consistency === 'crash' || s.consistency === 'filesystem' ? t(`snapshot.consistencyHint.${s.consistency}`) : '';
  return (
    <Container header={<Header variant="h2">{t('ui.overview')}</Header>}>
      <SpaceBetween size="l">
        <KeyValuePairs
          columns={3} minColumnWidth={220}
          items={[
            { label: t('ui.state'), value: <SnapshotState snapshot={s} /> },
            { label: t('snapshot.volume'), value: <ResourceLink {...s.volume} /> },
            { label: t('ui.description'), value: s.description === '' ? '-' : s.description },
            { label: t('volume.size'), value: format.gib(s.sizeGib) },
            { label: t('volume.used'), value: <>{format.bytes(s.usedBytes)}<Note>{t('snapshot.usedHint')}</Note></> },
            { label: t('snapshot.taken'), value: s.takenAt === null ? t('snapshot.takenNone') : format.dateTime(s.takenAt) },
            { label: t('snapshot.consistency'), value: s.consistency === null ? '-' : <>{t.word('snapshot.consistency', s.consistency)}<Note>{hint}</Note></> },
            { label: t('snapshot.instance'), value: s.instance === null ? t('snapshot.instanceNone') : <ResourceLink {...s.instance} /> },
            { label: t('tags.title'), value: <TagList tags={s.tags} /> },
            { label: t('ui.created'), value: format.dateTime(s.createdAt) },
          ]}
        />
        {s.conditions.length > 0 && <Conditions conditions={s.conditions} />}
      </SpaceBetween>
    </Container>
  );
}

function Note({ children }: { children: ReactNode }): ReactNode {
  return <Box fontSize="body-s" color="text-body-secondary">{children}</Box>;
}
