import type { ReactNode } from 'react';
import type { FloatingAddress } from '../api/types';
import { useText } from '../i18n/text';
import { ConfirmDialog } from '../ui/ConfirmDialog';
import { floatingAddresses } from './floatingAddresses';

export function DisassociateDialog({ address, close, done }: { address: Pick<FloatingAddress, 'id' | 'address' | 'loadBalancer'>; close: () => void; done: () => void }): ReactNode {
  const t = useText();
  const run = async () => {
    await floatingAddresses.disassociate(address.id);
    done();
  };
  return (
    <ConfirmDialog title={t('floatingAddress.disassociateTitle', { address: address.address })} action={t('floatingAddress.disassociate')} typed={null} run={run} close={close}>
      {t(address.loadBalancer === null ? 'floatingAddress.disassociateBody' : 'floatingAddress.disassociateBalancer')}
    </ConfirmDialog>
  );
}
