import Badge from '@cloudscape-design/components/badge';
import SpaceBetween from '@cloudscape-design/components/space-between';
import type { ReactNode } from 'react';
import { tagRows, tagText, type Tags } from './tags';

/** The tags of a resource on its page. */
export function TagList({ tags }: { tags: Tags }): ReactNode {
  const rows = tagRows(tags);
  if (rows.length === 0) return '-';
  return <SpaceBetween direction="horizontal" size="xxs">{rows.map((tag) => <Badge key={tag.key}><span className="kumoi-tag">{tagText(tag)}</span></Badge>)}</SpaceBetween>;
}

/** The same in a line of a table. */
export function tagLine(tags: Tags): string {
  return tagRows(tags).map(tagText).join(', ') || '-';
}
