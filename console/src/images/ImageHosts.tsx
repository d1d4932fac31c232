import { useState, type ReactNode } from 'react';
import type { Image, ImageOnHost } from '../api/types';
import { useFormat } from '../i18n/format';
import { useText } from '../i18n/text';
import { ResourceLink } from '../ui/ResourceLink';
import { ShortTable } from '../ui/ShortTable';
import { StateIndicator } from '../ui/StateIndicator';
import { WriteButton } from '../ui/WriteButton';
import { PrefetchDialog } from './PrefetchDialog';

/** The hosts that have an image or are to have it: told to operators. */
export function ImageHosts({ image, changed }: { image: Image; changed: (now: Image) => void }): ReactNode {
  const t = useText();
  const format = useFormat();
  const [dialog, setDialog] = useState<'prefetch' | 'release' | null>(null);
  const rows = (image.hosts ?? []).map((on) => ({ ...on, id: on.host.id }));
  const button = (action: 'prefetch' | 'release', enabled: boolean) => <WriteButton needs="images:prefetch" reach="cloud" key={action} disabled={!enabled} onClick={() => setDialog(action)} data-testid={`image-${action}`}>{t(`image.${action}`)}</WriteButton>;
  return (
    <>
      <ShortTable
        title={t('image.onHosts')} description={t('image.onHostsAbout')} items={rows} empty={t('image.onHostsNone')} labelOf={(on) => on.host.name}
        columns={[
          { id: 'host', header: t('instance.host'), cell: (on) => <ResourceLink {...on.host} />, isRowHeader: true, minWidth: 140 },
          { id: 'zone', header: t('instance.zone'), cell: (on) => on.zone.name, minWidth: 110 },
          { id: 'state', header: t('ui.state'), cell: (on) => <OnHost image={image} on={on} />, minWidth: 190 },
          { id: 'bytes', header: t('image.onHostBytes'), cell: (on) => (image.sizeBytes === null ? format.bytes(on.bytes) : t('image.received', { received: format.bytes(on.bytes), expected: format.bytes(image.sizeBytes) })), minWidth: 180 },
          { id: 'kept', header: t('image.kept'), cell: (on) => t(on.prefetched ? 'image.kept.yes' : 'image.kept.no') },
        ]}
        actions={[button('release', rows.some((on) => on.prefetched)), button('prefetch', image.state === 'available')]}
      />
      {dialog !== null && <PrefetchDialog image={image} action={dialog} close={() => setDialog(null)} done={changed} />}
    </>
  );
}

function OnHost({ image, on }: { image: Image; on: ImageOnHost }): ReactNode {
  const t = useText();
  const percent = on.state === 'fetching' && image.sizeBytes !== null && image.sizeBytes > 0 ? ` (${Math.floor((100 * on.bytes) / image.sizeBytes)} %)` : '';
  const look = on.condition !== null ? 'warning' : on.state === 'cached' ? 'success' : 'loading';
  return <span data-testid="image-on-host" data-state={on.state}><StateIndicator type={look} text={t.word('image.onHost', on.state) + percent} conditions={on.condition === null ? [] : [on.condition]} /></span>;
}
