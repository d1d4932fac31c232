import { useEffect, type ReactNode } from 'react';
import { useText } from '../i18n/text';
import { useStore } from './store';
import { crumbs } from './crumbs';
import { language } from '../i18n/language';

/** Names the page for the document's title and the breadcrumbs. The last crumb is the page itself. */
export function Page({ trail, children }: { trail: readonly { text: string; href: string }[]; children: ReactNode }): ReactNode {
  const t = useText();
  const lang = useStore(language);
  const name = trail.map((c) => c.text).join('\n');
  useEffect(() => {
    crumbs.set(trail);
    document.title = [...trail.map((c) => c.text).reverse(), t('shell.title')].join(' · ');
    // The trail is made anew at each drawing; its texts tell whether it changed.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [name, lang]);
  return children;
}
