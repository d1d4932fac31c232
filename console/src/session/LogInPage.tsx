import Alert from '@cloudscape-design/components/alert';
import Box from '@cloudscape-design/components/box';
import Button from '@cloudscape-design/components/button';
import Container from '@cloudscape-design/components/container';
import SegmentedControl from '@cloudscape-design/components/segmented-control';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { useQueryClient } from '@tanstack/react-query';
import { useEffect, useState, type ReactNode } from 'react';
import { Navigate, useLocation } from 'react-router';
import { answer, api } from '../api/client';
import { ProblemError } from '../api/problem';
import { language, setLanguage } from '../i18n/language';
import { languages } from '../i18n/messages';
import { useText } from '../i18n/text';
import { languageNames } from '../shell/languageNames';
import { TextField } from '../ui/fields';
import { ProblemAlert } from '../ui/ProblemAlert';
import { required, violations } from '../ui/rules';
import { useStore } from '../ui/store';
import { useForm } from '../ui/useForm';
import { Providers } from './Providers';
import { session } from './session';

export function LogInPage(): ReactNode {
  const t = useText();
  const lang = useStore(language);
  const { token } = useStore(session);
  const queries = useQueryClient();
  const state = useLocation().state as { from?: string; ended?: string | null } | null;
  const [returnTo, setReturnTo] = useState<string | null>(null);
  const form = useForm({
    initial: { user: '', password: '', code: '' },
    check: (v) => violations(['user', required(v.user)], ['password', required(v.password)]),
    send: (v) => answer(api.POST('/api/v1/tokens', { body: { user: v.user, password: v.password, code: v.code.trim() === '' ? null : v.code } })),
    done: (created) => {
      queries.clear();
      session.start(created);
    },
  });
  const wait = useWait(form.failure);
  const code = form.failure instanceof ProblemError ? form.failure.problem.code : null;
  // Once it is known that a code is needed, its field stays, whatever is wrong besides.
  const [second, setSecond] = useState(false);
  useEffect(() => { if (code === 'second-factor-required') setSecond(true); }, [code]);
  useEffect(() => { document.title = `${t('session.logIn')} · ${t('shell.title')}`; }, [t]);
  if (token !== null) return <Navigate to={returnTo ?? state?.from ?? '/'} replace />;
  return (
    <main className="kumoi-log-in">
      <div>
        <div className="kumoi-brand"><img src="/kumoi.svg" alt="" /><Box variant="h1" fontSize="display-l">{t('shell.title')}</Box></div>
        <Container>
          <form onSubmit={(e) => { e.preventDefault(); if (wait === 0) form.submit(); }}>
            <SpaceBetween size="l">
              {state?.ended === 'expired' && form.failure === null && <Alert type="info">{t('session.expired')}</Alert>}
              {wait > 0 ? <Alert type="warning">{t('session.wait', { seconds: wait })}</Alert> : code === 'second-factor-required' ? <Alert type="info">{t('session.code')}</Alert> : <ProblemAlert failure={form.failure} />}
              <TextField form={form} field="user" label={t('session.user')} autoFocus autoComplete="username" testId="login-user" />
              <TextField form={form} field="password" type="password" label={t('session.password')} autoComplete="current-password" testId="login-password" />
              {second && <TextField form={form} field="code" label={t('session.codeField')} constraintText={t('session.codeHint')} autoFocus autoComplete="one-time-code" testId="login-code" />}
              <Button variant="primary" formAction="submit" fullWidth loading={form.busy} disabled={wait > 0} data-testid="login-submit">{t('session.logIn')}</Button>
            </SpaceBetween>
          </form>
          <Box margin={{ top: 'm' }}><Providers to={state?.from ?? '/'} done={(created, to) => { queries.clear(); setReturnTo(to); session.start(created); }} /></Box>
        </Container>
        <div className="kumoi-languages">
          <SegmentedControl
            label={t('shell.language')} selectedId={lang} options={languages.map((l) => ({ id: l, text: languageNames[l] }))} data-testid="language-switch"
            onChange={({ detail }) => { const next = languages.find((l) => l === detail.selectedId); if (next) setLanguage(next); }}
          />
        </div>
      </div>
    </main>
  );
}

/** Seconds until the server takes another attempt, counting down. */
function useWait(failure: Error | null): number {
  const [left, setLeft] = useState(0);
  useEffect(() => {
    const seconds = failure instanceof ProblemError && failure.problem.status === 429 ? (failure.retryAfterSeconds ?? 1) : 0;
    setLeft(seconds);
    if (seconds === 0) return;
    const timer = window.setInterval(() => setLeft((s) => Math.max(0, s - 1)), 1000);
    return () => window.clearInterval(timer);
  }, [failure]);
  return left;
}
