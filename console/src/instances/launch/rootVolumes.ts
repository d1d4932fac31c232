import { useAll } from '../../api/pages';
import type { Volume } from '../../api/types';
import { canLaunchFrom, needsImage, volumes } from '../../volumes/volumes';

/** The volumes that an instance may start from. */
export interface RootVolumes {
  readonly all: readonly Volume[];
  readonly loading: boolean;
  /** True if an image is to tell the machine of what starts from it. */
  needImage(id: string): boolean;
}

export function useRootVolumes(): RootVolumes {
  const read = useAll([volumes.key], volumes.list);
  const all = (read.data ?? []).filter(canLaunchFrom);
  return {
    all, loading: read.isPending,
    needImage: (id) => {
      const volume = all.find((v) => v.id === id);
      return volume !== undefined && needsImage(volume);
    },
  };
}
