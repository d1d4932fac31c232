import AppLayout from '@cloudscape-design/components/app-layout';
import BreadcrumbGroup from '@cloudscape-design/components/breadcrumb-group';
import { Suspense, useState, type ReactNode } from 'react';
import { Navigate, Outlet, useLocation, useNavigate } from 'react-router';
import { useLiveUpdates } from '../api/live';
import { useText } from '../i18n/text';
import { session } from '../session/session';
import { crumbs } from '../ui/crumbs';
import { Loading } from '../ui/Loading';
import { useStore } from '../ui/store';
import { Navigation } from './Navigation';
import { Notifications } from './Notifications';
import { TopBar } from './TopBar';

/** What stands around every page of somebody logged in. */
export function Shell(): ReactNode {
  const { token, actingFor, ended } = useStore(session);
  const location = useLocation();
  if (token === null) return <Navigate to="/log-in" replace state={{ from: location.pathname + location.search, ended }} />;
  return <Frame key={actingFor?.id ?? 'own'} />;
}

function Frame(): ReactNode {
  const t = useText();
  const navigate = useNavigate();
  const trail = useStore(crumbs);
  const [open, setOpen] = useState(window.innerWidth > 900);
  useLiveUpdates();
  return (
    <>
      <div id="top-bar"><TopBar /></div>
      <AppLayout
        headerSelector="#top-bar" toolsHide maxContentWidth={1680}
        navigation={<Navigation />} navigationOpen={open} onNavigationChange={(e) => setOpen(e.detail.open)} navigationWidth={240}
        breadcrumbs={trail.length < 2 ? undefined : (
          <BreadcrumbGroup items={trail.map((c) => ({ ...c }))} ariaLabel={t('shell.breadcrumbs')} onFollow={(e) => { e.preventDefault(); void navigate(e.detail.href); }} />
        )}
        notifications={<Notifications />} stickyNotifications
        content={<Suspense fallback={<Loading />}><Outlet /></Suspense>}
        ariaLabels={{
          navigation: t('shell.navigation'), navigationToggle: t('shell.openNavigation'), navigationClose: t('shell.closeNavigation'),
          notifications: t('shell.notifications'),
        }}
      />
    </>
  );
}
