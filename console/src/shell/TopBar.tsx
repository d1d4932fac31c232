import TopNavigation from '@cloudscape-design/components/top-navigation';
import { useQueryClient } from '@tanstack/react-query';
import { useEffect, useRef, type ReactNode } from 'react';
import { useNavigate } from 'react-router';
import { answer, api } from '../api/client';
import { setLanguage } from '../i18n/language';
import { languages } from '../i18n/messages';
import { useText } from '../i18n/text';
import { session } from '../session/session';
import { useStore } from '../ui/store';
import { languageNames } from './languageNames';
import { language } from '../i18n/language';
import { mode, modes, setMode } from './mode';

export function TopBar(): ReactNode {
  const t = useText();
  const navigate = useNavigate();
  const queries = useQueryClient();
  const { user, actingFor } = useStore(session);
  const lang = useStore(language);
  const colours = useStore(mode);
  const box = useRef<HTMLDivElement>(null);
  // The component cannot mark its buttons, and draws them twice, once unseen to measure them.
  useEffect(() => {
    for (const button of box.current?.querySelectorAll<HTMLButtonElement>('button[aria-haspopup]') ?? [])
      if (button.ariaLabel === t('shell.language') && button.checkVisibility({ visibilityProperty: true })) button.dataset.testid = 'language-switch';
  });
  const logOut = async () => {
    // The token is forgotten here whether or not the cloud could be told.
    await answer(api.DELETE('/api/v1/tokens/{token}', { params: { path: { token: 'current' } } })).catch(() => undefined);
    session.end(null);
    queries.clear();
    void navigate('/log-in');
  };
  return (
    <div ref={box}>
      <TopNavigation
        identity={{ href: '/', title: t('shell.title'), logo: { src: '/kumoi.svg', alt: '' }, onFollow: (e) => { e.preventDefault(); void navigate('/'); } }}
        utilities={[
          ...(actingFor === null ? [] : [{
            type: 'button' as const, iconName: 'user-profile-active' as const, text: t('shell.actingFor', { name: actingFor.name }), title: t('shell.actForOwn'),
            onClick: () => { session.actFor(null); queries.clear(); },
          }]),
          {
            type: 'menu-dropdown', iconName: 'settings', ariaLabel: t('shell.mode'), title: t('shell.mode'),
            items: modes.map((m) => ({ id: m, text: t(`shell.mode.${m}`), itemType: 'checkbox' as const, checked: m === colours })),
            onItemClick: ({ detail }) => { const next = modes.find((m) => m === detail.id); if (next) setMode(next); },
          },
          {
            type: 'menu-dropdown', text: languageNames[lang], ariaLabel: t('shell.language'), iconName: 'globe',
            items: languages.map((l) => ({ id: l, text: languageNames[l], itemType: 'checkbox' as const, checked: l === lang, lang: l })),
            onItemClick: ({ detail }) => { const next = languages.find((l) => l === detail.id); if (next) setLanguage(next); },
          },
          {
            type: 'menu-dropdown', iconName: 'user-profile', text: user?.name ?? '', description: user === null ? '' : user.account.name,
            items: [{ id: 'access', text: t('nav.access') }, { id: 'log-out', text: t('shell.logOut') }],
            onItemClick: ({ detail }) => { if (detail.id === 'log-out') void logOut(); else void navigate('/access'); },
          },
        ]}
      />
    </div>
  );
}
