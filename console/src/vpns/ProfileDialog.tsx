import Modal from '@cloudscape-design/components/modal';
import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { useText } from '../i18n/text';
import { Loading } from '../ui/Loading';
import { ProblemAlert } from '../ui/ProblemAlert';
import { TextDialog } from '../ui/TextDialog';
import { holdsKeys, profileFile, vpns } from './vpns';

/** The configuration of a gateway's other end. If it holds keys it is shown this once, and closes when the user says that it is kept. */
export function ProfileDialog({ name, profile, about, close }: { name: string; profile: string; about: string; close: () => void }): ReactNode {
  const t = useText();
  const once = holdsKeys(profile) ? { notice: t('vpn.once'), kept: t('vpn.kept') } : null;
  return <TextDialog title={t('vpn.profileTitle', { name })} about={about} once={once} fileName={profileFile(name)} text={profile} testId="vpn-profile" close={close}>{once === null && t('vpn.withoutKeys')}</TextDialog>;
}

/** The same, later: without the keys that were told once. */
export function StoredProfile({ id, name, about, read, close }: { id: string; name: string; about: string; read: () => Promise<string>; close: () => void }): ReactNode {
  const t = useText();
  const { data, error } = useQuery({ queryKey: [vpns.key, 'profile', id], queryFn: read });
  if (data !== undefined) return <ProfileDialog name={name} profile={data} about={about} close={close} />;
  return <Modal visible size="large" header={t('vpn.profileTitle', { name })} closeAriaLabel={t('ui.close')} onDismiss={close}>{error === null ? <Loading /> : <ProblemAlert failure={error} />}</Modal>;
}
