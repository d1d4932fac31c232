import { useQueryClient } from '@tanstack/react-query';

/** Has everything read again whose key begins with one of the names: after a change, what shows something of it. */
export function useStale(): (keys: readonly string[]) => void {
  const queries = useQueryClient();
  return (keys) => void queries.invalidateQueries({ predicate: (query) => keys.includes(String(query.queryKey[0])) });
}
