import { answer, api } from '../api/client';
import type { AttachInterface, Interface, UpdateInterface } from '../api/types';

const at = (id: string) => ({ params: { path: { interface: id } } });

export const interfaces = {
  key: 'interfaces',
  list: (query: { limit: number; cursor?: string; instance?: string; network?: string }) => answer(api.GET('/api/v1/interfaces', { params: { query } })),
  attach: (body: AttachInterface) => answer(api.POST('/api/v1/interfaces', { body })),
  update: (id: string, body: UpdateInterface) => answer(api.PUT('/api/v1/interfaces/{interface}', { ...at(id), body })),
  traffic: (id: string) => answer(api.GET('/api/v1/interfaces/{interface}/traffic', at(id))),
  detach: (id: string) => answer(api.DELETE('/api/v1/interfaces/{interface}', at(id))),
};

/** What people call an interface: `web-1/0`. */
export function interfaceName(f: Pick<Interface, 'instance' | 'index'>): string {
  return `${f.instance.name}/${f.index}`;
}

/** Its own addresses, of both families. */
export function addressesOf(f: Pick<Interface, 'address' | 'address6'>): string[] {
  return f.address6 === null ? [f.address] : [f.address, f.address6];
}
