import AppLayout from '@cloudscape-design/components/app-layout';
import BreadcrumbGroup from '@cloudscape-design/components/breadcrumb-group';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { Suspense, useState, type ReactNode } from 'react';
import { Navigate, Outlet, useLocation, useNavigate } from 'react-router';
import { useLiveUpdates } from '../api/live';
import { useText } from '../i18n/text';
import { useMay } from '../session/permissions';
import { session } from '../session/session';
import { useSelf } from '../session/useSelf';
import { crumbs } from '../ui/crumbs';
import { Loading } from '../ui/Loading';
import { useStore } from '../ui/store';
import { AccountBanner } from './AccountBanner';
import { NotAllowedPage, UnknownSelfPage } from './ErrorPages';
import { Navigation } from './Navigation';
import { Notifications } from './Notifications';
import { lacking } from './sections';
import { TopBar } from './TopBar';

/** What stands around every page of somebody logged in. */
export function Shell(): ReactNode {
  const { token, ended } = useStore(session);
  const location = useLocation();
  if (token === null) return <Navigate to="/log-in" replace state={{ from: location.pathname + location.search, ended }} />;
  return <Known />;
}

/** Nothing is offered before it is known what the user may. */
function Known(): ReactNode {
  const { self } = useStore(session);
  const { error, retry } = useSelf();
  if (self === null) return error === null ? <Loading /> : <UnknownSelfPage error={error} retry={retry} />;
  return <Frame key={self.actingFor.id} />;
}

function Frame(): ReactNode {
  const t = useText();
  const may = useMay();
  const navigate = useNavigate();
  const { pathname } = useLocation();
  const trail = useStore(crumbs);
  const [open, setOpen] = useState(window.innerWidth > 900);
  useLiveUpdates(may('events:read'));
  const needs = lacking(pathname, may);
  return (
    <>
      <div id="top-bar"><TopBar /></div>
      <AppLayout
        headerSelector="#top-bar" toolsHide maxContentWidth={1680}
        navigation={<Navigation />} navigationOpen={open} onNavigationChange={(e) => setOpen(e.detail.open)} navigationWidth={240}
        breadcrumbs={trail.length < 2 || needs !== null ? undefined : (
          <BreadcrumbGroup items={trail.map((c) => ({ ...c }))} ariaLabel={t('shell.breadcrumbs')} onFollow={(e) => { e.preventDefault(); void navigate(e.detail.href); }} />
        )}
        notifications={<Notifications />} stickyNotifications
        content={<SpaceBetween size="m"><AccountBanner />{needs === null ? <Suspense fallback={<Loading />}><Outlet /></Suspense> : <NotAllowedPage needs={needs} />}</SpaceBetween>}
        ariaLabels={{
          navigation: t('shell.navigation'), navigationToggle: t('shell.openNavigation'), navigationClose: t('shell.closeNavigation'),
          notifications: t('shell.notifications'),
        }}
      />
    </>
  );
}
