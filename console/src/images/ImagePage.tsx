import Button from '@cloudscape-design/components/button';
import Header from '@cloudscape-design/components/header';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState, type ReactNode } from 'react';
import { useNavigate, useParams } from 'react-router';
import { resyncMs, watchMs } from '../api/pages';
import { useStale } from '../api/stale';
import type { Image } from '../api/types';
import { EventTable } from '../events/EventTable';
import { useText } from '../i18n/text';
import { useAccount, useMay } from '../session/permissions';
import { DeleteDialog } from '../ui/DeleteDialog';
import { Loading } from '../ui/Loading';
import { Page } from '../ui/Page';
import { ProblemAlert } from '../ui/ProblemAlert';
import { WriteButton } from '../ui/WriteButton';
import { EditImageDialog } from './EditImageDialog';
import { ImageHosts } from './ImageHosts';
import { ImageOverview } from './ImageOverview';
import { images, isMoving } from './images';
import { useDownload } from './useDownload';

export function ImagePage(): ReactNode {
  const t = useText();
  const may = useMay();
  const account = useAccount();
  const id = useParams()['id'] ?? '';
  const navigate = useNavigate();
  const queries = useQueryClient();
  const stale = useStale();
  const [dialog, setDialog] = useState<'delete' | 'edit' | null>(null);
  const { data: image, error, isPending, refetch } = useQuery({
    queryKey: [images.key, 'one', id], queryFn: () => images.get(id), refetchInterval: ({ state }) => (state.data !== undefined && isMoving(state.data) ? watchMs : resyncMs),
  });
  const download = useDownload(image);
  const trail = [{ text: t('image.title'), href: '/images' }, { text: image?.name ?? id, href: `/images/${id}` }];
  if (isPending) return <Page trail={trail}><Loading /></Page>;
  if (image === undefined) return <Page trail={trail}><ProblemAlert failure={error} /></Page>;
  const close = () => setDialog(null);
  const changed = (now: Image) => {
    queries.setQueryData([images.key, 'one', id], { ...now, hosts: now.hosts ?? image.hosts ?? null });
    stale([images.key]);
  };
  const [own, pending] = [image.account.id === account, image.state === 'pending'];
  return (
    <Page trail={trail}>
      <SpaceBetween size="l">
        <Header
          variant="h1" description={<code>{image.id}</code>}
          actions={
            <SpaceBetween direction="horizontal" size="xs">
              <Button iconName="refresh" ariaLabel={t('ui.refresh')} onClick={() => void refetch()} />
              {download.button}
              <WriteButton needs="images:write" disabled={!own} onClick={() => setDialog('edit')} data-testid="image-edit">{t('image.edit')}</WriteButton>
              <WriteButton needs="images:write" disabled={!own} onClick={() => setDialog('delete')} data-testid="image-delete">{t(pending ? 'image.giveUp' : 'ui.delete')}</WriteButton>
              <WriteButton needs="instances:write" variant="primary" disabled={image.state !== 'available'} onClick={() => void navigate(`/instances/launch?image=${image.id}`)} data-testid="image-launch">{t('instance.launch')}</WriteButton>
            </SpaceBetween>
          }
        >
          {image.name}
        </Header>
        <ProblemAlert failure={error} />
        {download.progress}
        <ImageOverview image={image} />
        {may('images:prefetch', 'cloud') && <ImageHosts image={image} changed={changed} />}
        <EventTable within filters={{ resource: image.id }} />
      </SpaceBetween>
      {dialog === 'edit' && <EditImageDialog image={image} close={close} done={changed} />}
      {dialog === 'delete' && (
        <DeleteDialog
          items={[image]} stale={[]} remove={images.remove} close={close}
          done={() => {
            // Lists are read anew; what this page has read is not, since it is no more.
            queries.removeQueries({ queryKey: [images.key], type: 'inactive' });
            void navigate('/images');
          }}
        >
          {t(pending ? 'image.giveUpBody' : 'image.deleteBody')}
        </DeleteDialog>
      )}
    </Page>
  );
}
