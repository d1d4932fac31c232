import SpaceBetween from '@cloudscape-design/components/space-between';
import { useQuery } from '@tanstack/react-query';
import { useState, type ReactNode } from 'react';
import { resyncMs } from '../api/pages';
import type { Tariff } from '../api/types';
import { useFormat } from '../i18n/format';
import { useText } from '../i18n/text';
import { DeleteDialog } from '../ui/DeleteDialog';
import { Page } from '../ui/Page';
import { ResourceTable } from '../ui/ResourceTable';
import { RouteLink } from '../ui/RouteLink';
import { useTableLook } from '../ui/tableLook';
import { usePart } from '../ui/usePart';
import { WriteButton } from '../ui/WriteButton';
import { CreateTariffDialog } from './CreateTariffDialog';
import { scopeText } from './scopeText';
import { staleWithTariffs, tariffs } from './tariffs';

/** All tariffs, and who has them. */
export function TariffsPage(): ReactNode {
  const t = useText();
  const format = useFormat();
  const look = useTableLook('tariffs', ['id']);
  const read = useQuery({ queryKey: [tariffs.key], queryFn: tariffs.list, refetchInterval: resyncMs });
  const pages = usePart<Tariff>({ ...read, data: read.data?.items }, look.pageSize, '', () => true);
  const [chosen, choose] = useState<readonly string[]>([]);
  const selected = pages.items.filter((x) => chosen.includes(x.id));
  const [dialog, setDialog] = useState<'create' | 'delete' | null>(null);
  const close = () => setDialog(null);
  const may = { needs: 'tariffs:write', reach: 'cloud' } as const;
  const create = <WriteButton {...may} variant="primary" onClick={() => setDialog('create')} data-testid="create-tariff">{t('tariff.create')}</WriteButton>;
  return (
    <Page trail={[{ text: t('tariff.title'), href: '/tariffs' }]}>
      <ResourceTable<Tariff>
        title={t('tariff.title')} description={t('tariff.about')} pages={pages} look={look} selected={selected} select={(items) => choose(items.map((x) => x.id))} labelOf={(x) => x.name} empty={t('tariff.empty')} emptyAction={create}
        columns={[
          { id: 'name', header: t('ui.name'), isRowHeader: true, cell: (x) => <RouteLink to={`/tariffs/${x.id}`}>{x.name}</RouteLink>, width: 180 },
          { id: 'id', header: t('ui.id'), cell: (x) => <code>{x.id}</code>, width: 220 },
          { id: 'description', header: t('ui.description'), cell: (x) => x.description || '-', width: 200 },
          { id: 'currency', header: t('tariff.currency'), cell: (x) => x.currency, width: 100 },
          { id: 'tax', header: t('tariff.tax'), cell: (x) => format.quantity(x.taxPercent), width: 110 },
          { id: 'zone', header: t('tariff.timeZone'), cell: (x) => x.timeZone, width: 150 },
          { id: 'assigned', header: t('tariff.assignments'), cell: (x) => [...new Set((x.assignments ?? []).map((a) => scopeText(t, a)))].join(', ') || '-', width: 220 },
          { id: 'created', header: t('ui.created'), cell: (x) => format.dateTime(x.createdAt), width: 235 },
        ]}
        actions={
          <SpaceBetween direction="horizontal" size="xs">
            <WriteButton {...may} disabled={selected.length === 0} onClick={() => setDialog('delete')} data-testid="tariff-delete">{t('ui.delete')}</WriteButton>
            {create}
          </SpaceBetween>
        }
      />
      {dialog === 'create' && <CreateTariffDialog close={close} />}
      {dialog === 'delete' && <DeleteDialog items={selected} stale={staleWithTariffs} remove={tariffs.remove} close={close} done={() => choose([])}>{t('tariff.deleteBody')}</DeleteDialog>}
    </Page>
  );
}
