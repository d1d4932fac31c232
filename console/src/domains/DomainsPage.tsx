import Box from '@cloudscape-design/components/box';
import Button from '@cloudscape-design/components/button';
import Header from '@cloudscape-design/components/header';
import SpaceBetween from '@cloudscape-design/components/space-between';
import Table from '@cloudscape-design/components/table';
import { useState, type ReactNode } from 'react';
import { useAll } from '../api/pages';
import type { Domain } from '../api/types';
import { useFormat } from '../i18n/format';
import { useText } from '../i18n/text';
import { DeleteDialog } from '../ui/DeleteDialog';
import { Page } from '../ui/Page';
import { ProblemAlert } from '../ui/ProblemAlert';
import { RouteLink } from '../ui/RouteLink';
import { WriteButton } from '../ui/WriteButton';
import { CreateDomainDialog, RenameDomainDialog } from './DomainDialogs';
import { domains, rootId, staleWithDomains, treeOf } from './domains';

/** The tree above the accounts, as far as one administers it. */
export function DomainsPage(): ReactNode {
  const t = useText();
  const format = useFormat();
  const all = useAll([domains.key], domains.list);
  const tree = treeOf(all.data ?? []);
  const [closed, setClosed] = useState<readonly string[]>([]);
  const [chosen, choose] = useState<string | null>(null);
  const [dialog, setDialog] = useState<'create' | 'rename' | 'delete' | null>(null);
  const close = () => setDialog(null);
  const selected = all.data?.find((d) => d.id === chosen);
  const open = (all.data ?? []).filter((d) => tree.childrenOf(d).length > 0 && !closed.includes(d.id));
  const may = { needs: 'domains:write', reach: 'domain' } as const;
  const changeable = selected !== undefined && selected.id !== rootId;
  return (
    <Page trail={[{ text: t('domain.title'), href: '/domains' }]}>
      <SpaceBetween size="m">
        <ProblemAlert failure={all.error} />
        <Table<Domain>
          variant="container" stickyHeader resizableColumns trackBy="id" items={tree.tops} loading={all.isPending} loadingText={t('ui.loading')} selectionType="single" selectedItems={selected ? [selected] : []}
          onSelectionChange={(e) => choose(e.detail.selectedItems[0]?.id ?? null)}
          ariaLabels={{ tableLabel: t('domain.title'), selectionGroupLabel: t('domain.title'), itemSelectionLabel: (_, d) => d.path }}
          expandableRows={{
            getItemChildren: (d) => [...tree.childrenOf(d)], isItemExpandable: (d) => tree.childrenOf(d).length > 0, expandedItems: open,
            onExpandableItemToggle: ({ detail }) => setClosed((before) => (detail.expanded ? before.filter((id) => id !== detail.item.id) : [...before, detail.item.id])),
          }}
          empty={<Box textAlign="center" padding="l">{t('domain.empty')}</Box>}
          header={
            <Header
              variant="h1" counter={all.data ? `(${all.data.length})` : ''} description={t('domain.about')}
              actions={
                <SpaceBetween direction="horizontal" size="xs">
                  <Button iconName="refresh" ariaLabel={t('ui.refresh')} onClick={() => void all.refetch()} />
                  <WriteButton {...may} disabled={!changeable} onClick={() => setDialog('delete')} data-testid="domain-delete">{t('ui.delete')}</WriteButton>
                  <WriteButton {...may} disabled={!changeable} onClick={() => setDialog('rename')} data-testid="domain-rename">{t('domain.rename')}</WriteButton>
                  <WriteButton {...may} variant="primary" onClick={() => setDialog('create')} data-testid="create-domain">{t('domain.create')}</WriteButton>
                </SpaceBetween>
              }
            >
              {t('domain.title')}
            </Header>
          }
          columnDefinitions={[
            { id: 'name', header: t('ui.name'), isRowHeader: true, width: 320, cell: (d) => <RouteLink to={`/domains/${d.id}`}>{d.name}</RouteLink> },
            { id: 'path', header: t('domain.path'), width: 260, cell: (d) => <code>{d.path}</code> },
            { id: 'accounts', header: t('domain.accounts'), width: 130, cell: (d) => format.number(d.accounts) },
            { id: 'within', header: t('domain.accountsWithin'), width: 240, cell: (d) => format.number(tree.accountsIn(d)) },
            { id: 'created', header: t('ui.created'), width: 235, cell: (d) => format.dateTime(d.createdAt) },
          ]}
        />
      </SpaceBetween>
      {dialog === 'create' && <CreateDomainDialog parent={selected ?? tree.tops[0]} all={all.data ?? []} close={close} />}
      {dialog === 'rename' && selected && <RenameDomainDialog domain={selected} close={close} />}
      {dialog === 'delete' && selected && <DeleteDialog items={[{ id: selected.id, name: selected.path }]} stale={staleWithDomains} remove={domains.remove} close={close} done={() => choose(null)}>{t('domain.deleteBody')}</DeleteDialog>}
    </Page>
  );
}
