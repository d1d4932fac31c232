import SideNavigation, { type SideNavigationProps } from '@cloudscape-design/components/side-navigation';
import StatusIndicator from '@cloudscape-design/components/status-indicator';
import { useEffect, useRef, type ReactNode } from 'react';
import { useLocation, useNavigate } from 'react-router';
import { streamState } from '../api/live';
import { useText } from '../i18n/text';
import { useMay } from '../session/permissions';
import { useStore } from '../ui/store';

export function Navigation(): ReactNode {
  const t = useText();
  const may = useMay();
  const navigate = useNavigate();
  const { pathname } = useLocation();
  const live = useStore(streamState);
  const box = useRef<HTMLDivElement>(null);

  // The component has no way to mark its links, and tests need marks that do not change with the language.
  useEffect(() => {
    for (const link of box.current?.querySelectorAll<HTMLAnchorElement>('a[href^="/"]') ?? [])
      link.dataset.testid = `nav-${link.getAttribute('href')?.slice(1) || 'dashboard'}`;
  });

  const link = (path: Parameters<typeof linkText>[0]): SideNavigationProps.Link => ({ type: 'link', href: path === 'dashboard' ? '/' : `/${path}`, text: linkText(path) });
  const linkText = (path: 'dashboard' | 'instances' | 'images' | 'key-pairs' | 'placement-groups' | 'volumes' | 'snapshots' | 'backups' | 'backup-schedules' | 'recoverable-volumes' | 'volume-types' | 'networks' | 'security-groups' | 'floating-addresses' | 'load-balancers' | 'vpns' | 'trace' | 'address-pools' | 'vlan-ranges' | 'switches' | 'events' | 'users' | 'access' | 'hosts' | 'pools' | 'flavors' | 'zones' | 'accounts') => t(`nav.${path}`);
  const section = (text: string, ...items: SideNavigationProps.Link[]): SideNavigationProps.Section => ({ type: 'section', text, items });
  return (
    <div ref={box}>
      <SideNavigation
        activeHref={`/${pathname.split('/')[1] ?? ''}`}
        onFollow={(e) => {
          if (e.detail.external === true) return;
          e.preventDefault();
          void navigate(e.detail.href);
        }}
        items={[
          link('dashboard'),
          section(t('nav.compute'), link('instances'), link('images'), link('key-pairs'), link('placement-groups')),
          section(t('nav.storage'), link('volumes'), link('snapshots'), link('backups'), link('backup-schedules'), link('recoverable-volumes'), link('volume-types')),
          section(t('nav.network'), link('networks'), link('security-groups'), link('floating-addresses'), link('load-balancers'), link('vpns'), link('trace')),
          section(t('nav.account'), link('events'), ...(may.admin ? [link('users')] : []), link('access')),
          ...(may.operate ? [section(t('nav.operator'), link('hosts'), link('flavors'), link('pools'), link('address-pools'), link('vlan-ranges'), link('switches'), link('zones'), link('accounts'))] : []),
          { type: 'divider' },
          { type: 'link', href: '/reference/', text: t('nav.reference'), external: true },
        ]}
      />
      <div className="kumoi-live">
        <StatusIndicator type={live === 'live' ? 'success' : 'in-progress'}>{t(`shell.live.${live}`)}</StatusIndicator>
      </div>
    </div>
  );
}
