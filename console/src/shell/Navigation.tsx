import SideNavigation, { type SideNavigationProps } from '@cloudscape-design/components/side-navigation';
import StatusIndicator from '@cloudscape-design/components/status-indicator';
import { useEffect, useRef, type ReactNode } from 'react';
import { useLocation, useNavigate } from 'react-router';
import { streamState } from '../api/live';
import { useText } from '../i18n/text';
import { useMay } from '../session/permissions';
import { useStore } from '../ui/store';
import { folded } from './folded';
import { offered, sections, type Group } from './sections';

const groups = Object.keys(sections) as Group[];

export function Navigation(): ReactNode {
  const t = useText();
  const may = useMay();
  const navigate = useNavigate();
  const { pathname } = useLocation();
  const live = useStore(streamState);
  const closed = useStore(folded);
  const box = useRef<HTMLDivElement>(null);

  // The component has no way to mark its links, and tests need marks that do not change with the language.
  useEffect(() => {
    for (const link of box.current?.querySelectorAll<HTMLAnchorElement>('a[href^="/"]') ?? [])
      link.dataset.testid = `nav-${link.getAttribute('href')?.slice(1) || 'dashboard'}`;
  });

  const section = (group: Group): SideNavigationProps.Section[] => {
    const items = offered(group, may).map(({ path }): SideNavigationProps.Link => ({ type: 'link', href: `/${path}`, text: t.word('nav', path) }));
    return items.length === 0 ? [] : [{ type: 'section', text: t(`nav.${group}`), items, defaultExpanded: !closed.includes(group) }];
  };
  return (
    <div ref={box}>
      <SideNavigation
        activeHref={`/${pathname.split('/')[1] ?? ''}`}
        onChange={({ detail }) => {
          const group = groups.find((g) => t(`nav.${g}`) === (detail.item as { text?: string }).text);
          if (group !== undefined) folded.fold(group, !detail.expanded);
        }}
        onFollow={(e) => {
          if (e.detail.external === true) return;
          e.preventDefault();
          void navigate(e.detail.href);
        }}
        items={[
          { type: 'link', href: '/', text: t('nav.dashboard') },
          ...groups.flatMap(section),
          { type: 'divider' },
          { type: 'link', href: '/reference/', text: t('nav.reference'), external: true },
        ]}
      />
      {may('events:read') && (
        <div className="kumoi-live">
          <StatusIndicator type={live === 'live' ? 'success' : 'in-progress'}>{t(`shell.live.${live}`)}</StatusIndicator>
        </div>
      )}
    </div>
  );
}
