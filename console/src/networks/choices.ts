import { useAll } from '../api/pages';
import { useText } from '../i18n/text';
import { isRouted, networks } from './networks';

/** The networks of the account, to choose one from. For what the cloud does not do on a segment, bridged ones are shown and cannot be chosen. */
export function useNetworkChoices(bridged: 'offered' | 'refused') {
  const t = useText();
  const all = useAll([networks.key], networks.list);
  const options = (all.data ?? []).map((n) => ({
    value: n.id, label: n.name, description: n.subnets.map((s) => s.cidr).join(', '),
    ...(isRouted(n) ? {} : { labelTag: t('network.kind.bridged'), disabled: bridged === 'refused' }),
  }));
  return { networks: all.data, loading: all.isPending, options };
}
