import Checkbox from '@cloudscape-design/components/checkbox';
import { useState, type ReactNode } from 'react';
import type { Tariff, TariffPrice } from '../api/types';
import { useFormat } from '../i18n/format';
import { useText } from '../i18n/text';
import { ShortTable } from '../ui/ShortTable';
import { meters } from '../usage/usage';
import { isOver } from './tariffs';

interface Props {
  of: Tariff;
  actions?: (chosen: TariffPrice | undefined) => readonly ReactNode[];
}

/** Prices of a tariff: those that hold or will, and the others if asked for. */
export function PriceTable({ of, actions }: Props): ReactNode {
  const t = useText();
  const format = useFormat();
  const [past, setPast] = useState(false);
  const [chosen, choose] = useState<string | null>(null);
  const place = (meter: string) => (meters as readonly string[]).indexOf(meter);
  const rows = of.prices.filter((p) => past || !isOver(p, Date.now())).sort((a, b) => place(a.meter) - place(b.meter) || a.attribute.localeCompare(b.attribute) || a.validFrom.localeCompare(b.validFrom));
  const selected = rows.find((p) => p.id === chosen);
  return (
    <ShortTable
      title={t('tariff.prices')} description={t('tariff.pricesAbout')} items={rows} empty={t('tariff.pricesEmpty')} labelOf={(p) => `${p.meter} ${p.attribute}`} filter={<Checkbox checked={past} onChange={(e) => setPast(e.detail.checked)}>{t('tariff.past')}</Checkbox>}
      {...(actions === undefined ? {} : { selected, select: (p: TariffPrice | undefined) => choose(p?.id ?? null), actions: actions(selected) })}
      columns={[
        { id: 'meter', header: t('tariff.meter'), isRowHeader: true, minWidth: 200, cell: (p) => <span data-testid="price" data-meter={p.meter} data-price={p.price}>{t.word('meter', p.meter)}</span> },
        { id: 'attribute', header: t('tariff.attribute'), minWidth: 120, cell: (p) => p.attribute || t('tariff.allKinds') },
        { id: 'price', header: t('tariff.price'), minWidth: 170, cell: (p) => <span className="kumoi-figure">{format.price(p.price, of.currency)} / {t.word('unit', p.unit)}</span> },
        { id: 'included', header: t('tariff.included'), minWidth: 130, cell: (p) => (p.included === 0 ? '-' : `${format.quantity(p.included)} ${t.word('unit', p.unit)}`) },
        { id: 'from', header: t('tariff.validFrom'), minWidth: 170, cell: (p) => format.dateTime(p.validFrom) },
        { id: 'until', header: t('tariff.validUntil'), minWidth: 170, cell: (p) => (p.validUntil === null ? t('tariff.open') : format.dateTime(p.validUntil)) },
      ]}
    />
  );
}

/** What a tariff is reckoned by. */
export function useTerms(): (of: Tariff) => { label: string; value: ReactNode }[] {
  const t = useText();
  const format = useFormat();
  return (of) => [
    { label: t('tariff.currency'), value: of.currency },
    { label: t('tariff.timeZone'), value: of.timeZone },
    { label: t('tariff.tax'), value: format.quantity(of.taxPercent) },
    { label: t('tariff.rounding'), value: t.word('tariff.rounding', of.rounding) },
  ];
}
