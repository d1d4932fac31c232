import Autosuggest from '@cloudscape-design/components/autosuggest';
import TokenGroup from '@cloudscape-design/components/token-group';
import { useState, type ReactNode } from 'react';
import { useText } from '../i18n/text';
import { askedTag, suggestedTags, type Tags } from './tags';

interface Props {
  asked: readonly string[];
  change: (next: readonly string[]) => void;
  /** The tags of what the list shows, to choose from. */
  seen: readonly Tags[];
  testId: string;
}

/** Takes a key, or a key with its value, by which a list is filtered besides those that are asked already. */
export function TagFilter({ asked, change, seen, testId }: Props): ReactNode {
  const t = useText();
  const [text, setText] = useState('');
  const add = (typed: string) => {
    const tag = askedTag(typed);
    setText('');
    if (tag !== null && !asked.includes(tag)) change([...asked, tag]);
  };
  return (
    <Autosuggest
      value={text} onChange={(e) => setText(e.detail.value)} onSelect={(e) => add(e.detail.value)} options={suggestedTags(seen, asked).map((value) => ({ value }))} enteredTextLabel={(value) => t('tags.use', { tag: value })}
      placeholder={t('tags.filter')} ariaLabel={t('tags.filter')} clearAriaLabel={t('ui.clearFilter')} expandToViewport nativeInputAttributes={{ 'data-testid': testId }}
    />
  );
}

/** The tags that a list is filtered by, to be taken away one by one. */
export function AskedTags({ asked, change }: Pick<Props, 'asked' | 'change'>): ReactNode {
  const t = useText();
  return <TokenGroup items={asked.map((tag) => ({ label: tag, dismissLabel: t('tags.unask', { tag }) }))} onDismiss={(e) => change(asked.filter((_, at) => at !== e.detail.itemIndex))} data-testid="asked-tags" />;
}
