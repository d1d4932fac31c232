import Alert from '@cloudscape-design/components/alert';
import FormField from '@cloudscape-design/components/form-field';
import Input from '@cloudscape-design/components/input';
import SpaceBetween from '@cloudscape-design/components/space-between';
import Tiles from '@cloudscape-design/components/tiles';
import { useState, type ReactNode } from 'react';
import { useAll } from '../../api/pages';
import { useFormat } from '../../i18n/format';
import { useText } from '../../i18n/text';
import { images } from '../../images/images';
import { useAccount } from '../../session/permissions';
import { RouteLink } from '../../ui/RouteLink';
import type { Form } from '../../ui/useForm';
import type { LaunchValues } from './launch';

/** Images are looked through by name once there are more than fit a glance. */
const searchFrom = 9;
const shownMax = 24;

export function ImageField({ form, description }: { form: Form<LaunchValues>; description?: string }): ReactNode {
  const t = useText();
  const format = useFormat();
  const account = useAccount();
  const [search, setSearch] = useState('');
  const all = useAll([images.key, 'available'], (page) => images.list({ ...page, state: 'available' }));
  const shared = useAll([images.key, 'available', 'shared'], (page) => images.list({ ...page, state: 'available', visibility: 'shared' }));
  const list = [...(all.data ?? []), ...(shared.data ?? [])];
  const shown = list.filter((i) => i.id === form.values.image || i.name.toLowerCase().includes(search.toLowerCase())).slice(0, shownMax);
  return (
    <FormField label={t('instance.image')} description={description} errorText={form.errorOf('image')} stretch>
      {all.isSuccess && shared.isSuccess && list.length === 0
        ? <Alert type="info" action={<RouteLink to="/images">{t('launch.imageAdd')}</RouteLink>}>{t('launch.imageNone')}</Alert>
        : (
          <SpaceBetween size="s">
            {list.length >= searchFrom && <Input type="search" value={search} placeholder={t('launch.imageSearch')} ariaLabel={t('launch.imageSearch')} onChange={(e) => setSearch(e.detail.value)} />}
            <Tiles
              columns={3} value={form.values.image === '' ? null : form.values.image} onChange={(e) => form.set('image', e.detail.value)} data-testid="launch-image" ariaLabel={t('instance.image')}
              items={shown.map((i) => ({
                value: i.id, label: i.name,
                description: [
                  i.visibility === 'public' ? t('image.visibility.public') : i.account.id === account ? t('image.visibility.private') : t('launch.imageOf', { account: i.account.name }), i.virtualSizeBytes === null ? null : format.bytes(i.virtualSizeBytes),
                  t('launch.imageBy', { user: i.defaultUser }),
                ].filter(Boolean).join(' · '),
              }))}
            />
          </SpaceBetween>
        )}
    </FormField>
  );
}
