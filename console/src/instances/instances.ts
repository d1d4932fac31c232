import { answer, api } from '../api/client';
import type { Instance, LaunchInstance, Page, UpdateInstance } from '../api/types';

const at = (id: string) => ({ params: { path: { instance: id } } });

export const instances = {
  key: 'instances',
  list: (query: { limit: number; cursor?: string; state?: string; name?: string }) => answer(api.GET('/api/v1/instances', { params: { query } })),
  get: (id: string) => answer(api.GET('/api/v1/instances/{instance}', at(id))),
  /** One instance, or all of a launch with a count. */
  launch: async (body: LaunchInstance, idempotencyKey: string): Promise<readonly Instance[]> => {
    const made = (await answer(api.POST('/api/v1/instances', { body, headers: { 'Idempotency-Key': idempotencyKey } }))) as Instance | Page<Instance>;
    return 'items' in made ? made.items : [made];
  },
  update: (id: string, body: UpdateInstance) => answer(api.PUT('/api/v1/instances/{instance}', { ...at(id), body })),
  start: (id: string) => answer(api.POST('/api/v1/instances/{instance}/start', at(id))),
  stop: (id: string) => answer(api.POST('/api/v1/instances/{instance}/stop', at(id))),
  reboot: (id: string) => answer(api.POST('/api/v1/instances/{instance}/reboot', at(id))),
  terminate: (id: string) => answer(api.DELETE('/api/v1/instances/{instance}', at(id))),
  attachCd: (id: string, image: string) => answer(api.POST('/api/v1/instances/{instance}/cd', { ...at(id), body: { image } })),
  detachCd: (id: string) => answer(api.DELETE('/api/v1/instances/{instance}/cd', at(id))),
  openConsole: (id: string, kind: 'serial' | 'screen') => answer(api.POST('/api/v1/instances/{instance}/console', { ...at(id), body: { kind } })),
  consoleLog: (id: string) => answer<string>(api.GET('/api/v1/instances/{instance}/console-log', { ...at(id), parseAs: 'text' }) as never),
};

export const actions = ['start', 'stop', 'reboot', 'terminate'] as const;
export type Action = (typeof actions)[number];

const allowed: Readonly<Record<Action, readonly string[]>> = {
  start: ['stopped', 'stopping'],
  stop: ['running', 'pending'],
  reboot: ['running'],
  terminate: ['pending', 'running', 'stopping', 'stopped'],
};

/** True if the action makes sense in the instance's state. */
export function canDo(action: Action, instance: Pick<Instance, 'state'>): boolean {
  return allowed[action].includes(instance.state);
}
