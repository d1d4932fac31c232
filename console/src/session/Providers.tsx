import Alert from '@cloudscape-design/components/alert';
import Box from '@cloudscape-design/components/box';
import Button from '@cloudscape-design/components/button';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { useQuery } from '@tanstack/react-query';
import { useEffect, useRef, useState, type ReactNode } from 'react';
import { useSearchParams } from 'react-router';
import { answer, api } from '../api/client';
import type { TokenCreated } from '../api/types';
import { useText } from '../i18n/text';
import { ProblemAlert } from '../ui/ProblemAlert';
import { begin, takeReturned } from './signIn';

/** A button for each identity provider that is offered, and for the one that the address names; and what comes back from one. */
export function Providers({ to, done }: { to: string; done: (created: TokenCreated, to: string) => void }): ReactNode {
  const t = useText();
  const named = useSearchParams()[0].get('provider');
  const [failed, setFailed] = useState<string | Error | null>(null);
  const [busy, setBusy] = useState<string | null>(null);
  const taken = useRef(false);
  const listed = useQuery({ queryKey: ['sign-in-providers'], queryFn: () => answer(api.GET('/api/v1/sign-in-providers', {})) });
  const one = useQuery({ queryKey: ['sign-in-providers', named], enabled: named !== null, queryFn: () => answer(api.GET('/api/v1/sign-in-providers/{provider}', { params: { path: { provider: named ?? '' } } })) });
  useEffect(() => {
    if (taken.current) return;
    taken.current = true;
    const returned = takeReturned();
    if (returned === null) return;
    if ('failed' in returned) {
      setFailed(returned.failed);
      return;
    }
    setBusy('');
    answer(api.POST('/api/v1/tokens', { body: { signIn: { code: returned.code, verifier: returned.verifier } } }))
      .then((created) => done(created, returned.to), (e: unknown) => { setBusy(null); setFailed(e instanceof Error ? e : new Error(String(e))); });
    // What came back is taken once, when the page is first shown.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, []);
  const all = [...(listed.data?.items ?? []), ...(one.data && !listed.data?.items.some((p) => p.name === one.data.name) ? [one.data] : [])];
  return (
    <SpaceBetween size="s">
      {typeof failed === 'string' ? <Alert type="error" data-testid="sign-in-failed">{t.word('session.signIn', failed) === failed ? t('session.signIn.sign-in-failed') : t.word('session.signIn', failed)}</Alert> : <ProblemAlert failure={failed ?? one.error} />}
      {all.length > 0 && <Box textAlign="center" color="text-body-secondary">{t('session.or')}</Box>}
      {all.map((provider) => (
        <Button
          key={provider.name} fullWidth disabled={busy !== null && busy !== provider.name} loading={busy === provider.name} data-testid={`sign-in-${provider.name}`}
          onClick={() => { setFailed(null); setBusy(provider.name); begin(provider, to).catch((e: unknown) => { setBusy(null); setFailed(e instanceof Error ? e : new Error(String(e))); }); }}
        >
          {t('session.signInWith', { title: provider.title })}
        </Button>
      ))}
    </SpaceBetween>
  );
}
