import { I18nProvider, type I18nProviderProps } from '@cloudscape-design/components/i18n';
import { useEffect, useState, type ReactNode } from 'react';
import { useStore } from '../ui/store';
import { language } from './language';
import type { Language } from './messages';

const load: Readonly<Record<Language, () => Promise<{ default: I18nProviderProps.Messages }>>> = {
  en: () => import('@cloudscape-design/components/i18n/messages/all.en'),
  ja: () => import('@cloudscape-design/components/i18n/messages/all.ja'),
};

/** Gives the design system its own texts (close buttons, pagination, …) in the chosen language. */
export function ComponentTexts({ children }: { children: ReactNode }): ReactNode {
  const lang = useStore(language);
  const [loaded, setLoaded] = useState<{ lang: Language; messages: I18nProviderProps.Messages } | null>(null);
  useEffect(() => {
    document.documentElement.lang = lang;
    let current = true;
    // Without its own texts the design system still works; it must not keep the page empty.
    void load[lang]().catch(() => ({ default: {} })).then(({ default: messages }) => { if (current) setLoaded({ lang, messages }); });
    return () => { current = false; };
  }, [lang]);
  if (loaded === null) return null;
  return <I18nProvider locale={loaded.lang} messages={[loaded.messages]}>{children}</I18nProvider>;
}
