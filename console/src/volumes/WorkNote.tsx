import Box from '@cloudscape-design/components/box';
import type { ReactNode } from 'react';
import type { VolumeWork } from '../api/types';
import { useFormat } from '../i18n/format';
import { useText } from '../i18n/text';
import { endOf } from './work';

/** How much of work is done and when it will be, in one line; nothing while it is not known how much there is to do. */
export function useWorkText(work: VolumeWork): string {
  const t = useText();
  const format = useFormat();
  const now = Date.now();
  const [end, said] = [endOf(work, now), { done: format.bytes(work.doneBytes), total: format.bytes(work.totalBytes) }];
  return work.totalBytes === 0 ? '' : end === null ? t('work.done', said) : t('work.ends', { ...said, when: format.fromNow(new Date(end).toISOString(), now) });
}

/** The same below a state, in lists. */
export function WorkNote({ work }: { work: VolumeWork }): ReactNode {
  return <Box fontSize="body-s" color="text-body-secondary">{useWorkText(work)}</Box>;
}
