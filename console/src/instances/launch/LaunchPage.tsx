import Box from '@cloudscape-design/components/box';
import Button from '@cloudscape-design/components/button';
import Container from '@cloudscape-design/components/container';
import Header from '@cloudscape-design/components/header';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { useQueryClient } from '@tanstack/react-query';
import { useState, type ReactNode } from 'react';
import { useNavigate, useSearchParams } from 'react-router';
import { useText } from '../../i18n/text';
import { TextField } from '../../ui/fields';
import { notify } from '../../ui/notices';
import { Page } from '../../ui/Page';
import { ProblemAlert } from '../../ui/ProblemAlert';
import { useForm } from '../../ui/useForm';
import { WriteButton } from '../../ui/WriteButton';
import { instances } from '../instances';
import { AccessFields } from './AccessFields';
import { AdvancedFields } from './AdvancedFields';
import { FlavorField } from './FlavorField';
import { blank, check, idempotencyKeys, newKey, toRequest } from './launch';
import { NetworkFields } from './NetworkFields';
import { StartFields } from './StartFields';
import { useRootVolumes } from './rootVolumes';

export function LaunchPage(): ReactNode {
  const t = useText();
  const navigate = useNavigate();
  const queries = useQueryClient();
  const [keys] = useState(() => idempotencyKeys(newKey));
  const [search] = useSearchParams();
  const roots = useRootVolumes();
  // Where another page said what to launch from.
  const [first] = useState(() => ({ ...blank, image: search.get('image') ?? '', rootVolume: search.get('volume') ?? '', start: search.has('volume') ? ('volume' as const) : blank.start }));
  const form = useForm({
    initial: first, check: (v) => check(v, roots.needImage(v.rootVolume)),
    send: (v) => {
      const request = toRequest(v, roots.needImage(v.rootVolume));
      return instances.launch(request, keys.for(request));
    },
    done: (made) => {
      keys.used();
      void queries.invalidateQueries({ predicate: (q) => [instances.key, 'summary', 'volumes', 'pools'].includes(String(q.queryKey[0])) });
      const [first] = made;
      if (made.length === 1 && first !== undefined) {
        queries.setQueryData([instances.key, 'one', first.id], first);
        notify({ type: 'success', saying: { key: 'launch.notice', values: { name: first.name } } });
        void navigate(`/instances/${first.id}`);
      } else {
        notify({ type: 'success', saying: { key: 'launch.noticeMany', values: { count: made.length } } });
        void navigate('/instances');
      }
    },
  });
  return (
    <Page trail={[{ text: t('instance.title'), href: '/instances' }, { text: t('launch.title'), href: '/instances/launch' }]}>
      <form onSubmit={(e) => { e.preventDefault(); form.submit(); }}>
        <SpaceBetween size="l">
          <Header variant="h1">{t('launch.title')}</Header>
          <Container header={<Header variant="h2">{t('launch.basics')}</Header>}>
            <SpaceBetween size="l">
              <TextField form={form} field="name" label={t('ui.name')} constraintText={t('launch.nameHint')} testId="launch-name" autoFocus />
              <StartFields form={form} roots={roots} />
            </SpaceBetween>
          </Container>
          <Container header={<Header variant="h2">{t('launch.size')}</Header>}><FlavorField form={form} /></Container>
          <Container header={<Header variant="h2">{t('launch.access')}</Header>}><AccessFields form={form} /></Container>
          <Container header={<Header variant="h2">{t('launch.network')}</Header>}><NetworkFields form={form} /></Container>
          <AdvancedFields form={form} />
          <ProblemAlert failure={form.failure} />
          <Box float="right">
            <SpaceBetween direction="horizontal" size="xs">
              <Button variant="link" formAction="none" onClick={() => void navigate('/instances')}>{t('ui.cancel')}</Button>
              <WriteButton needs="instances:write" variant="primary" formAction="submit" loading={form.busy} data-testid="launch-submit">{t('launch.submit')}</WriteButton>
            </SpaceBetween>
          </Box>
        </SpaceBetween>
      </form>
    </Page>
  );
}
