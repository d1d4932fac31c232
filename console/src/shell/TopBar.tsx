import TopNavigation from '@cloudscape-design/components/top-navigation';
import { useQueryClient } from '@tanstack/react-query';
import { useEffect, useRef, useState, type ReactNode } from 'react';
import { useNavigate } from 'react-router';
import { answer, api } from '../api/client';
import { setLanguage } from '../i18n/language';
import { languages } from '../i18n/messages';
import { useText } from '../i18n/text';
import { useMay } from '../session/permissions';
import { session } from '../session/session';
import { useSwitch } from '../session/useSwitch';
import { useStore } from '../ui/store';
import { AccountSwitcher } from './AccountSwitcher';
import { languageNames } from './languageNames';
import { language } from '../i18n/language';
import { mode, modes, setMode } from './mode';
import { candidates, placed } from './switcher';

/** More than these are searched, not looked through. */
const listedMax = 10;

export function TopBar(): ReactNode {
  const t = useText();
  const navigate = useNavigate();
  const queries = useQueryClient();
  const may = useMay();
  const switchTo = useSwitch();
  const { self } = useStore(session);
  const lang = useStore(language);
  const colours = useStore(mode);
  const [searching, setSearching] = useState(false);
  const box = useRef<HTMLDivElement>(null);
  // The component cannot mark its buttons, and draws them twice, once unseen to measure them.
  useEffect(() => {
    for (const button of box.current?.querySelectorAll<HTMLButtonElement>('button[aria-haspopup]') ?? [])
      if (button.checkVisibility({ visibilityProperty: true })) {
        if (button.ariaLabel === t('shell.language')) button.dataset.testid = 'language-switch';
        if (button.ariaLabel?.startsWith(t('shell.account')) === true) button.dataset.testid = 'account-switch';
      }
  });
  const logOut = async () => {
    // The token is forgotten here whether or not the cloud could be told.
    await answer(api.DELETE('/api/v1/tokens/{token}', { params: { path: { token: 'current' } } })).catch(() => undefined);
    session.end(null);
    queries.clear();
    void navigate('/log-in');
  };
  if (self === null) return null;
  const acting = self.actingFor.id !== self.account.id;
  const mine = candidates(self, []);
  const listed = [...mine.slice(0, listedMax), ...mine.slice(listedMax).filter((c) => c.id === self.actingFor.id)];
  return (
    <div ref={box}>
      <TopNavigation
        identity={{ href: '/', title: t('shell.title'), logo: { src: '/kumoi.svg', alt: '' }, onFollow: (e) => { e.preventDefault(); void navigate('/'); } }}
        utilities={[
          {
            type: 'menu-dropdown', iconName: acting ? 'user-profile-active' : 'group', text: placed(self.actingFor), description: self.actingFor.domain.name, ariaLabel: `${t('shell.account')}: ${self.actingFor.name}`,
            title: t('shell.account'), items: [
              { id: 'memberships', text: t('shell.accountsOwn'), items: listed.map((c) => ({ id: c.id, text: c.name, itemType: 'checkbox' as const, checked: c.id === self.actingFor.id, ...(c.role === null ? {} : { secondaryText: t.word('role.name', c.role) }) })) },
              ...(acting ? [{ id: 'own', text: t('shell.actForOwn'), iconName: 'undo' as const }] : []),
              ...(may('accounts:read', 'domain') || mine.length > listedMax ? [{ id: 'search', text: t('shell.accountsAll'), iconName: 'search' as const }] : []),
            ],
            onItemClick: ({ detail }) => {
              if (detail.id === 'search') setSearching(true);
              else switchTo(detail.id === 'own' ? null : mine.find((c) => c.id === detail.id) ?? null);
            },
          },
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
            type: 'menu-dropdown', iconName: 'user-profile', text: self.name, description: self.account.name,
            items: [{ id: 'access', text: t('nav.access') }, { id: 'log-out', text: t('shell.logOut') }],
            onItemClick: ({ detail }) => { if (detail.id === 'log-out') void logOut(); else void navigate('/access'); },
          },
        ]}
      />
      {searching && <AccountSwitcher self={self} close={() => setSearching(false)} />}
    </div>
  );
}
