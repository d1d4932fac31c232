import type { ReactNode } from 'react';
import type { Volume } from '../api/types';
import { useText } from '../i18n/text';
import { StateIndicator } from '../ui/StateIndicator';
import { isSettling, lookOf } from './state';
import { percentOf } from './work';

/** The state of a volume, how far what is done to it is, and what keeps it from what is desired. One that is at rest may still be growing. */
export function VolumeState({ volume: v }: { volume: Volume }): ReactNode {
  const t = useText();
  const state = t.word('volume.state', v.state);
  const changing = (v.state === 'in-use' || v.state === 'available') && isSettling(v);
  const percent = v.work === null ? null : percentOf(v.work);
  const text = (changing ? t('volume.changing', { state }) : state) + (percent === null ? '' : ` (${percent} %)`);
  return <span data-testid="volume-state" data-state={v.state} data-settling={isSettling(v)}><StateIndicator type={lookOf(v)} text={text} conditions={v.conditions} /></span>;
}
