import { createBrowserRouter } from 'react-router';
import { LogInPage } from './session/LogInPage';
import { CrashPage, NotFoundPage } from './shell/ErrorPages';
import { Shell } from './shell/Shell';
import { Loading } from './ui/Loading';

/** Every page and its address. Pages are loaded when they are first visited. */
export const router = createBrowserRouter([
  { path: '/log-in', element: <LogInPage /> },
  {
    element: <Shell />,
    errorElement: <CrashPage />,
    HydrateFallback: Loading,
    children: [
      {
        errorElement: <CrashPage />,
        children: [
          { index: true, lazy: async () => ({ Component: (await import('./dashboard/DashboardPage')).DashboardPage }) },
          { path: 'instances', lazy: async () => ({ Component: (await import('./instances/InstancesPage')).InstancesPage }) },
          { path: 'instances/launch', lazy: async () => ({ Component: (await import('./instances/launch/LaunchPage')).LaunchPage }) },
          { path: 'instances/:id', lazy: async () => ({ Component: (await import('./instances/InstancePage')).InstancePage }) },
          { path: 'images', lazy: async () => ({ Component: (await import('./images/ImagesPage')).ImagesPage }) },
          { path: 'images/:id', lazy: async () => ({ Component: (await import('./images/ImagePage')).ImagePage }) },
          { path: 'key-pairs', lazy: async () => ({ Component: (await import('./key-pairs/KeyPairsPage')).KeyPairsPage }) },
          { path: 'placement-groups', lazy: async () => ({ Component: (await import('./placement-groups/PlacementGroupsPage')).PlacementGroupsPage }) },
          { path: 'networks', lazy: async () => ({ Component: (await import('./networks/NetworksPage')).NetworksPage }) },
          { path: 'networks/:id', lazy: async () => ({ Component: (await import('./networks/NetworkPage')).NetworkPage }) },
          { path: 'security-groups', lazy: async () => ({ Component: (await import('./security-groups/SecurityGroupsPage')).SecurityGroupsPage }) },
          { path: 'security-groups/:id', lazy: async () => ({ Component: (await import('./security-groups/SecurityGroupPage')).SecurityGroupPage }) },
          { path: 'floating-addresses', lazy: async () => ({ Component: (await import('./floating-addresses/FloatingAddressesPage')).FloatingAddressesPage }) },
          { path: 'load-balancers', lazy: async () => ({ Component: (await import('./load-balancers/LoadBalancersPage')).LoadBalancersPage }) },
          { path: 'load-balancers/create', lazy: async () => ({ Component: (await import('./load-balancers/CreateLoadBalancerPage')).CreateLoadBalancerPage }) },
          { path: 'load-balancers/:id', lazy: async () => ({ Component: (await import('./load-balancers/LoadBalancerPage')).LoadBalancerPage }) },
          { path: 'vpns', lazy: async () => ({ Component: (await import('./vpns/VpnsPage')).VpnsPage }) },
          { path: 'vpns/:id', lazy: async () => ({ Component: (await import('./vpns/VpnPage')).VpnPage }) },
          { path: 'trace', lazy: async () => ({ Component: (await import('./traces/TracePage')).TracePage }) },
          { path: 'address-pools', lazy: async () => ({ Component: (await import('./address-pools/AddressPoolsPage')).AddressPoolsPage }) },
          { path: 'vlan-ranges', lazy: async () => ({ Component: (await import('./vlan-ranges/VlanRangesPage')).VlanRangesPage }) },
          { path: 'switches', lazy: async () => ({ Component: (await import('./switches/SwitchesPage')).SwitchesPage }) },
          { path: 'switches/:id', lazy: async () => ({ Component: (await import('./switches/SwitchPage')).SwitchPage }) },
          { path: 'volumes', lazy: async () => ({ Component: (await import('./volumes/VolumesPage')).VolumesPage }) },
          { path: 'volumes/:id', lazy: async () => ({ Component: (await import('./volumes/VolumePage')).VolumePage }) },
          { path: 'backups', lazy: async () => ({ Component: (await import('./backups/BackupsPage')).BackupsPage }) },
          { path: 'backups/:id', lazy: async () => ({ Component: (await import('./backups/BackupPage')).BackupPage }) },
          { path: 'backup-schedules', lazy: async () => ({ Component: (await import('./backup-schedules/BackupSchedulesPage')).BackupSchedulesPage }) },
          { path: 'recoverable-volumes', lazy: async () => ({ Component: (await import('./strays/RecoverableVolumesPage')).RecoverableVolumesPage }) },
          { path: 'snapshots', lazy: async () => ({ Component: (await import('./snapshots/SnapshotsPage')).SnapshotsPage }) },
          { path: 'snapshots/:id', lazy: async () => ({ Component: (await import('./snapshots/SnapshotPage')).SnapshotPage }) },
          { path: 'volume-types', lazy: async () => ({ Component: (await import('./volume-types/VolumeTypesPage')).VolumeTypesPage }) },
          { path: 'pools', lazy: async () => ({ Component: (await import('./pools/PoolsPage')).PoolsPage }) },
          { path: 'pools/:id', lazy: async () => ({ Component: (await import('./pools/PoolPage')).PoolPage }) },
          { path: 'events', lazy: async () => ({ Component: (await import('./events/EventsPage')).EventsPage }) },
          { path: 'users', lazy: async () => ({ Component: (await import('./users/UsersPage')).UsersPage }) },
          { path: 'access', lazy: async () => ({ Component: (await import('./access/AccessPage')).AccessPage }) },
          { path: 'hosts', lazy: async () => ({ Component: (await import('./hosts/HostsPage')).HostsPage }) },
          { path: 'hosts/:id', lazy: async () => ({ Component: (await import('./hosts/HostPage')).HostPage }) },
          { path: 'flavors', lazy: async () => ({ Component: (await import('./flavors/FlavorsPage')).FlavorsPage }) },
          { path: 'zones', lazy: async () => ({ Component: (await import('./zones/ZonesPage')).ZonesPage }) },
          { path: 'accounts', lazy: async () => ({ Component: (await import('./accounts/AccountsPage')).AccountsPage }) },
          { path: '*', element: <NotFoundPage /> },
        ],
      },
    ],
  },
]);
