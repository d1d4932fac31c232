import Box from '@cloudscape-design/components/box';
import Header from '@cloudscape-design/components/header';
import Table from '@cloudscape-design/components/table';
import { useState, type ReactNode } from 'react';
import type { BillingStatement, StatementLine } from '../api/types';
import { useFormat } from '../i18n/format';
import { useText } from '../i18n/text';
import { RouteLink } from '../ui/RouteLink';
import { resourcesOf, rowsOf, type Row } from './statements';

interface Props {
  of: BillingStatement;
  lines: readonly StatementLine[];
  title: string;
  description?: string;
  priced: boolean;
  /** Whose use can be looked at: that of the account that one acts for. */
  traced: boolean;
  empty: string;
  footer?: ReactNode;
}

/** Lines of a statement; each unfolds into the resources that it is made of. */
export function LineTable({ of, lines, title, description, priced, traced, empty, footer }: Props): ReactNode {
  const t = useText();
  const format = useFormat();
  const [open, setOpen] = useState<readonly string[]>([]);
  const item = ({ meter, attribute }: StatementLine) => `${t.word('meter', meter)}${attribute === '' ? '' : ` (${attribute})`}`;
  const figure = (text: string) => <span className="kumoi-figure">{text}</span>;
  return (
    <Table<Row>
      variant="borderless" wrapLines trackBy="id" items={rowsOf(lines)} header={<Header variant="h2" counter={`(${lines.length})`} description={description}>{title}</Header>} footer={footer}
      expandableRows={{
        getItemChildren: resourcesOf, isItemExpandable: ({ line, resource }) => resource === null && line.resources.length > 0, expandedItems: open.map((id): Row => ({ id, line: lines[Number(id)]!, resource: null })).filter((row) => row.line !== undefined),
        onExpandableItemToggle: ({ detail }) => setOpen((before) => (detail.expanded ? [...before, detail.item.id] : before.filter((id) => id !== detail.item.id))),
      }}
      ariaLabels={{ tableLabel: title, expandButtonLabel: ({ line }) => t('statement.unfold', { item: item(line) }), collapseButtonLabel: ({ line }) => t('statement.unfold', { item: item(line) }) }}
      columnDefinitions={[
        {
          id: 'item', header: t('statement.item'), isRowHeader: true, minWidth: 230,
          cell: ({ line, resource }) => (resource === null ? <><span data-testid="statement-line" data-meter={line.meter}>{item(line)}</span><Held line={line} zone={of.timeZone} /></> : traced ? <RouteLink to={`/usage/${resource.id}`}>{resource.name || resource.id}</RouteLink> : resource.name || resource.id),
        },
        { id: 'quantity', header: t('statement.quantity'), minWidth: 140, cell: ({ line, resource }) => figure(`${format.quantity((resource ?? line).quantity)} ${t.word('unit', line.unit)}`) },
        ...(priced ? [
          { id: 'included', header: t('statement.included'), minWidth: 100, cell: ({ line, resource }: Row) => (resource === null && line.included > 0 ? figure(format.quantity(line.included)) : '') },
          { id: 'price', header: t('statement.price'), minWidth: 120, cell: ({ line, resource }: Row) => (resource === null && line.price !== null ? figure(format.price(line.price, of.currency)) : '') },
          { id: 'amount', header: t('statement.amount'), minWidth: 120, cell: ({ line, resource }: Row) => (resource === null ? figure(format.money(line.amount, of.currency)) : '') },
        ] : []),
      ]}
      empty={<Box textAlign="center" padding="s" color="text-body-secondary">{empty}</Box>}
    />
  );
}

/** From when to when a price held, if not the whole month. */
function Held({ line: { validFrom, validUntil }, zone }: { line: StatementLine; zone: string }): ReactNode {
  const format = useFormat();
  if (validFrom === null && validUntil === null) return null;
  const day = (iso: string | null) => (iso === null ? '' : format.dateIn(iso, zone));
  // The second before it ends is of its last day.
  return <Box fontSize="body-s" color="text-body-secondary">{day(validFrom)} – {day(validUntil === null ? null : new Date(Date.parse(validUntil) - 1000).toISOString())}</Box>;
}
