import Badge from '@cloudscape-design/components/badge';
import Box from '@cloudscape-design/components/box';
import Button from '@cloudscape-design/components/button';
import Header from '@cloudscape-design/components/header';
import SpaceBetween from '@cloudscape-design/components/space-between';
import Table from '@cloudscape-design/components/table';
import { useQuery } from '@tanstack/react-query';
import { useState, type ReactNode } from 'react';
import { useParams } from 'react-router';
import { resyncMs } from '../api/pages';
import type { Ref, SecurityGroupRule } from '../api/types';
import { useText } from '../i18n/text';
import { useMay } from '../session/permissions';
import { DeleteDialog } from '../ui/DeleteDialog';
import { Loading } from '../ui/Loading';
import { Page } from '../ui/Page';
import { ProblemAlert } from '../ui/ProblemAlert';
import { ResourceLink } from '../ui/ResourceLink';
import { WriteButton } from '../ui/WriteButton';
import { isOpen, portsText } from './rule';
import { RuleDialog } from './RuleDialog';
import { securityGroups } from './securityGroups';

export function SecurityGroupPage(): ReactNode {
  const t = useText();
  const may = useMay();
  const id = useParams()['id'] ?? '';
  const { data: group, error, isPending, refetch } = useQuery({
    queryKey: [securityGroups.key, 'one', id], queryFn: () => securityGroups.get(id), refetchInterval: resyncMs,
  });
  const [selected, select] = useState<SecurityGroupRule[]>([]);
  const [dialog, setDialog] = useState<'add' | 'delete' | null>(null);
  const close = () => setDialog(null);
  const trail = [{ text: t('securityGroup.title'), href: '/security-groups' }, { text: group?.name ?? id, href: `/security-groups/${id}` }];
  if (isPending) return <Page trail={trail}><Loading /></Page>;
  if (group === undefined) return <Page trail={trail}><ProblemAlert failure={error} /></Page>;
  const words = (r: SecurityGroupRule) => `${t.word('securityGroup.protocol', r.protocol)} ${portsText(t, r)} ${r.cidr ?? r.group?.name ?? ''}`;
  return (
    <Page trail={trail}>
      <SpaceBetween size="l">
        <Header variant="h1" description={<>{group.description !== '' && <>{group.description} · </>}<code>{group.id}</code></>}>{group.name}</Header>
        <Table
          items={group.rules} trackBy="id" selectionType="multi" selectedItems={selected} onSelectionChange={(e) => select(e.detail.selectedItems)} wrapLines
          ariaLabels={{ selectionGroupLabel: t('securityGroup.rules'), allItemsSelectionLabel: () => t('securityGroup.rules'), itemSelectionLabel: (_, r) => words(r) }}
          empty={<Box textAlign="center">{t('securityGroup.rulesEmpty')}</Box>}
          header={
            <Header
              counter={`(${group.rules.length})`}
              actions={
                <SpaceBetween direction="horizontal" size="xs">
                  <Button disabled={selected.length === 0 || !may('security-groups:write')} onClick={() => setDialog('delete')}>{t('ui.delete')}</Button>
                  <WriteButton needs="security-groups:write" variant="primary" onClick={() => setDialog('add')} data-testid="add-rule">{t('securityGroup.addRule')}</WriteButton>
                </SpaceBetween>
              }
            >
              {t('securityGroup.rules')}
            </Header>
          }
          columnDefinitions={[
            { id: 'direction', header: t('securityGroup.direction'), cell: (r) => t.word('securityGroup.direction', r.direction) },
            { id: 'protocol', header: t('securityGroup.protocol'), cell: (r) => t.word('securityGroup.protocol', r.protocol) },
            { id: 'ports', header: t('securityGroup.ports'), cell: (r) => portsText(t, r) },
            {
              id: 'peer', header: t('securityGroup.peer'),
              cell: (r) => (r.group ? <Peer {...r.group} /> : <>{r.cidr} {isOpen(r.cidr) && r.direction === 'ingress' && <Badge>{t('securityGroup.open')}</Badge>}</>),
            },
            { id: 'description', header: t('ui.description'), cell: (r) => r.description ?? '-' },
          ]}
        />
      </SpaceBetween>
      {dialog === 'add' && <RuleDialog group={id} close={close} added={() => void refetch()} />}
      {dialog === 'delete' && (
        <DeleteDialog items={selected.map((r) => ({ id: r.id, name: words(r) }))} stale={[securityGroups.key]} remove={(rule) => securityGroups.removeRule(id, rule)} close={close} done={() => select([])} />
      )}
    </Page>
  );
}

/** A group of another account has no page here; its name tells whose it is. */
function Peer({ id, name }: Ref): ReactNode {
  return name.includes('/') ? name : <ResourceLink id={id} name={name} />;
}
