import Box from '@cloudscape-design/components/box';
import { Fragment, type ReactNode } from 'react';
import type { Interface } from '../api/types';
import { useText } from '../i18n/text';
import { ResourceLink } from '../ui/ResourceLink';
import { addressesOf } from './interfaces';

/** The addresses of an interface, one a line; those that the guest holds beside are marked. */
export function Addresses({ of }: { of: Interface }): ReactNode {
  const t = useText();
  return (
    <>
      {addressesOf(of).map((a) => <div key={a}><code className="kumoi-whole">{a}</code></div>)}
      {of.secondaryAddresses.map((a) => <div key={a}><code>{a}</code> <Box display="inline" fontSize="body-s" color="text-body-secondary">({t('interface.secondaryShort')})</Box></div>)}
    </>
  );
}

export function Groups({ of }: { of: Interface }): ReactNode {
  const t = useText();
  if (of.securityGroups.length === 0) return <Box color="text-status-inactive">{t('ui.none')}</Box>;
  return of.securityGroups.map((g, n) => <Fragment key={g.id}>{n > 0 && ', '}<ResourceLink {...g} /></Fragment>);
}
