import BarChart from '@cloudscape-design/components/bar-chart';
import Box from '@cloudscape-design/components/box';
import Container from '@cloudscape-design/components/container';
import Header from '@cloudscape-design/components/header';
import KeyValuePairs from '@cloudscape-design/components/key-value-pairs';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { resyncMs } from '../api/pages';
import type { Interface, TrafficHour } from '../api/types';
import { useFormat } from '../i18n/format';
import { useText } from '../i18n/text';
import { Loading } from '../ui/Loading';
import { ProblemAlert } from '../ui/ProblemAlert';
import { interfaceName, interfaces } from './interfaces';
import { lastDay, sumOf } from './traffic';

/** What passed an interface: in all, and in each hour of the last day. */
export function InterfaceTraffic({ face }: { face: Interface }): ReactNode {
  const t = useText();
  const format = useFormat();
  const { data, error, isPending } = useQuery({ queryKey: [interfaces.key, 'traffic', face.id], queryFn: () => interfaces.traffic(face.id), refetchInterval: resyncMs });
  const hours = data === undefined ? [] : lastDay(data, Date.now());
  const day = sumOf(hours);
  const told = data?.toldAt ?? null;
  const amount = (bytes: number, packets: number) => <>{format.bytes(bytes)} <Box fontSize="body-s" color="text-body-secondary">{t('interface.trafficPackets', { count: format.number(packets) })}</Box></>;
  return (
    <Container
      data-testid="interface-traffic"
      header={
        <Header variant="h3" description={told === null ? t('interface.trafficAbout') : t('interface.trafficTold', { when: format.fromNow(told) })}>
          {t('interface.traffic', { name: interfaceName(face) })}
        </Header>
      }
    >
      <SpaceBetween size="m">
        <ProblemAlert failure={error} />
        {isPending && <Loading />}
        {data !== undefined && told === null && <Box color="text-body-secondary">{t('interface.trafficNone')}</Box>}
        {data !== undefined && told !== null && (
          <SpaceBetween size="l">
            <KeyValuePairs
              columns={4} minColumnWidth={190}
              items={[
                { label: t('interface.trafficSentDay'), value: amount(day.bytesSent, day.packetsSent) }, { label: t('interface.trafficReceivedDay'), value: amount(day.bytesReceived, day.packetsReceived) },
                { label: t('interface.trafficSentAll'), value: amount(data.bytesSent, data.packetsSent) }, { label: t('interface.trafficReceivedAll'), value: amount(data.bytesReceived, data.packetsReceived) },
              ]}
            />
            <Hours hours={hours} />
          </SpaceBetween>
        )}
      </SpaceBetween>
    </Container>
  );
}

function Hours({ hours }: { hours: readonly TrafficHour[] }): ReactNode {
  const t = useText();
  const format = useFormat();
  const quiet = hours.every((h) => h.bytesSent + h.bytesReceived === 0);
  if (quiet) return <Box color="text-body-secondary">{t('interface.trafficQuiet')}</Box>;
  const series = (title: string, of: (hour: TrafficHour) => number) => ({ type: 'bar' as const, title, data: hours.map((h) => ({ x: h.hour, y: of(h) })), valueFormatter: format.bytes });
  return (
    <BarChart
      series={[series(t('interface.trafficSent'), (h) => h.bytesSent), series(t('interface.trafficReceived'), (h) => h.bytesReceived)]}
      xDomain={hours.map((h) => h.hour)} xScaleType="categorical" stackedBars height={180} hideFilter ariaLabel={t('interface.trafficDay')} xTitle={t('interface.trafficHour')}
      i18nStrings={{ xTickFormatter: format.hour, yTickFormatter: format.bytes }} detailPopoverSeriesContent={({ series: s, y }) => ({ key: s.title, value: format.bytes(y) })}
    />
  );
}
