import Alert from '@cloudscape-design/components/alert';
import Button from '@cloudscape-design/components/button';
import Container from '@cloudscape-design/components/container';
import Header from '@cloudscape-design/components/header';
import KeyValuePairs from '@cloudscape-design/components/key-value-pairs';
import SpaceBetween from '@cloudscape-design/components/space-between';
import StatusIndicator from '@cloudscape-design/components/status-indicator';
import { useQuery } from '@tanstack/react-query';
import { lazy, Suspense, useState, type ReactNode } from 'react';
import { resyncMs } from '../api/pages';
import { useStale } from '../api/stale';
import { useFormat } from '../i18n/format';
import { useText } from '../i18n/text';
import { TextField } from '../ui/fields';
import { FormDialog } from '../ui/FormDialog';
import { notify } from '../ui/notices';
import { ProblemAlert } from '../ui/ProblemAlert';
import { useForm } from '../ui/useForm';
import { tokens } from './access';
import { checkCode, fewCodes, secondFactor } from './secondFactor';

// What draws the code is fetched by those who turn it on.
const SecondFactorDialog = lazy(async () => ({ default: (await import('./SecondFactorDialog')).SecondFactorDialog }));

/** Whether one signs in with a one-time password besides: turn it on and off. */
export function SecondFactorPanel(): ReactNode {
  const t = useText();
  const format = useFormat();
  const stale = useStale();
  const [dialog, setDialog] = useState<'begin' | 'end' | null>(null);
  const { data, error } = useQuery({ queryKey: [secondFactor.key], queryFn: secondFactor.get, refetchInterval: resyncMs });
  const changed = () => stale([secondFactor.key, tokens.key]);
  const on = data?.state === 'on';
  return (
    <Container
      header={
        <Header
          variant="h2" description={t('access.factorAbout')}
          actions={on
            ? <Button onClick={() => setDialog('end')} data-testid="factor-end">{t('access.factorEnd')}</Button>
            : <Button variant="primary" disabled={data === undefined} onClick={() => setDialog('begin')} data-testid="factor-begin">{t('access.factorBegin')}</Button>}
        >
          {t('access.tab.second-factor')}
        </Header>
      }
    >
      <SpaceBetween size="m">
        <ProblemAlert failure={error} />
        {data !== undefined && (
          <KeyValuePairs
            columns={2}
            items={[
              { label: t('ui.state'), value: <span data-testid="factor-state" data-state={data.state}><StatusIndicator type={on ? 'success' : 'stopped'}>{t.word('access.factor', data.state)}</StatusIndicator></span> },
              ...(on ? [{ label: t('access.factorCodes'), value: format.number(data.recoveryCodes) }] : []),
            ]}
          />
        )}
        {on && data.recoveryCodes <= fewCodes && <Alert type="warning">{t('access.factorFew')}</Alert>}
      </SpaceBetween>
      {dialog === 'begin' && <Suspense fallback={null}><SecondFactorDialog close={() => setDialog(null)} done={changed} /></Suspense>}
      {dialog === 'end' && <EndDialog close={() => setDialog(null)} done={changed} />}
    </Container>
  );
}

function EndDialog({ close, done }: { close: () => void; done: () => void }): ReactNode {
  const t = useText();
  const form = useForm({
    initial: { password: '', code: '' }, check: (v) => checkCode(v.code), send: (v) => secondFactor.end(v.password, v.code),
    done: () => {
      notify({ type: 'success', saying: { key: 'access.factorEnded' } });
      done();
      close();
    },
  });
  return (
    <FormDialog title={t('access.factorEndTitle')} action={t('access.factorEnd')} form={form} close={close}>
      <div>{t('access.factorEndHint')}</div>
      <TextField form={form} field="password" type="password" label={t('access.factorPassword')} constraintText={t('access.factorPasswordHint')} autoFocus autoComplete="current-password" testId="factor-password" />
      <TextField form={form} field="code" label={t('access.factorCodeOr')} autoComplete="one-time-code" testId="factor-code" />
    </FormDialog>
  );
}
