import { accessMessages } from '../access/messages';
import { accountMessages } from '../accounts/messages';
import { alertMessages } from '../alerts/messages';
import { addressPoolMessages } from '../address-pools/messages';
import { contactMessages } from '../contacts/messages';
import { dashboardMessages } from '../dashboard/messages';
import { directoryMessages } from '../directories/messages';
import { domainMessages } from '../domains/messages';
import { eventMessages } from '../events/messages';
import { flavorMessages } from '../flavors/messages';
import { floatingAddressMessages } from '../floating-addresses/messages';
import { hostPoolMessages } from '../host-pools/messages';
import { hostMessages } from '../hosts/messages';
import { imageMessages } from '../images/messages';
import { instanceMessages } from '../instances/messages';
import { launchMessages } from '../instances/launch/messages';
import { interfaceMessages } from '../interfaces/messages';
import { keyPairMessages } from '../key-pairs/messages';
import { balancerMessages } from '../load-balancers/messages';
import { memberMessages } from '../members/messages';
import { networkMessages } from '../networks/messages';
import { peeringMessages } from '../peerings/messages';
import { placementGroupMessages } from '../placement-groups/messages';
import { poolMessages } from '../pools/messages';
import { portForwardMessages } from '../port-forwards/messages';
import { quotaMessages } from '../quotas/messages';
import { roleMessages } from '../roles/messages';
import { routerMessages } from '../routers/messages';
import { securityGroupMessages } from '../security-groups/messages';
import { sessionMessages } from '../session/messages';
import { shellMessages } from '../shell/messages';
import { backupMessages } from '../backups/messages';
import { scheduleMessages } from '../backup-schedules/messages';
import { strayMessages } from '../strays/messages';
import { snapshotMessages } from '../snapshots/messages';
import { statementMessages } from '../statements/messages';
import { subscriptionMessages } from '../subscriptions/messages';
import { switchMessages } from '../switches/messages';
import { tariffMessages } from '../tariffs/messages';
import { traceMessages } from '../traces/messages';
import { uiMessages } from '../ui/messages';
import { usageMessages } from '../usage/messages';
import { userMessages } from '../users/messages';
import { vlanRangeMessages } from '../vlan-ranges/messages';
import { volumeTypeMessages } from '../volume-types/messages';
import { volumeMessages } from '../volumes/messages';
import { vpnMessages } from '../vpns/messages';
import { zoneMessages } from '../zones/messages';
import type { Placeholders } from './messages';

/** Every text of the console, each kept beside the feature that shows it. */
export const catalogue = {
  ...accessMessages, ...accountMessages, ...addressPoolMessages, ...alertMessages, ...balancerMessages, ...contactMessages, ...dashboardMessages, ...directoryMessages, ...domainMessages, ...eventMessages, ...flavorMessages, ...floatingAddressMessages, ...hostMessages, ...hostPoolMessages, ...imageMessages,
  ...instanceMessages, ...interfaceMessages, ...launchMessages, ...keyPairMessages, ...memberMessages, ...networkMessages, ...peeringMessages, ...placementGroupMessages, ...poolMessages, ...portForwardMessages, ...quotaMessages, ...roleMessages, ...routerMessages,
  ...securityGroupMessages, ...sessionMessages, ...shellMessages, ...backupMessages, ...scheduleMessages, ...strayMessages, ...snapshotMessages, ...statementMessages, ...subscriptionMessages, ...switchMessages, ...tariffMessages, ...traceMessages, ...uiMessages, ...usageMessages, ...userMessages, ...vlanRangeMessages, ...volumeMessages, ...volumeTypeMessages, ...vpnMessages, ...zoneMessages,
} as const;

export type Catalogue = typeof catalogue;
export type MessageKey = keyof Catalogue;

/** What a text needs beside its key: nothing, or a value for each of its placeholders. */
export type Arguments<K extends MessageKey> = [Placeholders<Catalogue[K]['en']>] extends [never]
  ? []
  : [Readonly<Record<Placeholders<Catalogue[K]['en']>, string | number>>];

/** A text to be shown later, in whatever language is chosen then. */
export interface Saying {
  readonly key: MessageKey;
  readonly values?: Readonly<Record<string, string | number>>;
}
