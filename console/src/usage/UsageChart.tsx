import BarChart from '@cloudscape-design/components/bar-chart';
import type { ReactNode } from 'react';
import type { Usage } from '../api/types';
import { useFormat } from '../i18n/format';
import { useText } from '../i18n/text';
import { barsOf } from './usage';

/** What of a meter was used each day, a bar for each. */
export function UsageChart({ of, meter }: { of: Usage; meter: string }): ReactNode {
  const t = useText();
  const format = useFormat();
  const { days, series, most } = barsOf(of.items, meter, of.since, Date.parse(of.until) < Date.parse(of.computedUntil) ? of.until : of.computedUntil);
  const unit = t.word('unit', of.items.find((u) => u.meter === meter)?.unit ?? '');
  const title = t('usage.perDay', { meter: t.word('meter', meter) });
  return (
    <BarChart
      series={series.map(({ attribute, quantities }) => ({
        title: attribute === '' ? t('usage.plain') : attribute, type: 'bar' as const, data: days.map((x, at) => ({ x, y: quantities[at] ?? 0 })), valueFormatter: (y: number) => `${format.number(y)} ${unit}`,
      }))}
      xDomain={days} yDomain={[0, most > 0 ? most : 1]} xScaleType="categorical" stackedBars height={220} hideFilter hideLegend={series.length < 2} ariaLabel={title} xTitle={t('usage.day')} yTitle={`${title} (${unit})`}
      i18nStrings={{ xTickFormatter: (day) => format.dayShort(day), yTickFormatter: (y) => format.number(y), legendAriaLabel: t('usage.attribute') }}
    />
  );
}
