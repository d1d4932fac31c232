import Box from '@cloudscape-design/components/box';
import Container from '@cloudscape-design/components/container';
import Header from '@cloudscape-design/components/header';
import KeyValuePairs from '@cloudscape-design/components/key-value-pairs';
import SpaceBetween from '@cloudscape-design/components/space-between';
import type { ReactNode } from 'react';
import type { Image } from '../api/types';
import { useFormat } from '../i18n/format';
import { useText } from '../i18n/text';
import { useAccount } from '../session/permissions';
import { Conditions } from '../ui/Conditions';
import { Copy } from '../ui/Copy';
import { ImageProgress } from './ImageProgress';
import { ImageState } from './ImageState';
import { machineText } from './images';

export function ImageOverview({ image: i }: { image: Image }): ReactNode {
  const t = useText();
  const format = useFormat();
  const account = useAccount();
  const least = [i.minDiskGib > 0 ? t('image.leastDisk', { size: format.gib(i.minDiskGib) }) : '', i.minMemoryMib > 0 ? t('image.leastMemory', { size: format.mib(i.minMemoryMib) }) : ''].filter((text) => text !== '').join(' · ');
  return (
    <Container header={<Header variant="h2">{t('ui.overview')}</Header>}>
      <SpaceBetween size="l">
        <KeyValuePairs
          columns={3} minColumnWidth={220}
          items={[
            { label: t('ui.state'), value: <>{<ImageState image={{ ...i, receivedBytes: 0 }} />}{i.deprecatedAt !== null && <Note>{t('image.deprecatedSince', { time: format.dateTime(i.deprecatedAt) })}</Note>}</> },
            { label: t('ui.description'), value: i.description === '' ? '-' : i.description },
            { label: t('image.os'), value: i.os === '' ? '-' : i.os },
            { label: t('image.visibility'), value: t.word('image.visibility', i.visibility) },
            ...(i.account.id === account ? i.visibility !== 'private' ? [] : [{ label: t('image.sharedWith'), value: i.accounts?.length ? i.accounts.map((a) => a.name).join(', ') : t('ui.none') }] : [{ label: t('image.owner'), value: i.account.name }]),
            { label: t('image.least'), value: least === '' ? t('ui.none') : least },
            { label: t('image.defaultUser'), value: <code>{i.defaultUser}</code> },
            { label: t('image.machine'), value: machineText(t, i) },
            { label: t('image.format'), value: i.format },
            { label: t('image.size'), value: i.sizeBytes === null ? '-' : format.bytes(i.sizeBytes) },
            { label: t('image.diskSize'), value: i.virtualSizeBytes === null ? '-' : format.bytes(i.virtualSizeBytes) },
            { label: t('ui.created'), value: format.dateTime(i.createdAt) },
            ...(i.sourceUrl === null ? [] : [{ label: t('image.url'), value: <span className="kumoi-anywhere">{i.sourceUrl}</span> }]),
            ...(i.sha256 === null ? [] : [{ label: t('image.sha256'), value: <Copy text={i.sha256} /> }]),
          ]}
        />
        {i.state === 'pending' && <ImageProgress image={i} />}
        {i.conditions.length > 0 && <Conditions conditions={i.conditions} />}
      </SpaceBetween>
    </Container>
  );
}

function Note({ children }: { children: ReactNode }): ReactNode {
  return <Box fontSize="body-s" color="text-body-secondary">{children}</Box>;
}
