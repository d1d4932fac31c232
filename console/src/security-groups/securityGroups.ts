import { answer, api } from '../api/client';
import type { CreateSecurityGroup, CreateSecurityGroupRule } from '../api/types';

const at = (id: string) => ({ params: { path: { group: id } } });

export const securityGroups = {
  key: 'security-groups',
  list: (query: { limit: number; cursor?: string }) => answer(api.GET('/api/v1/security-groups', { params: { query } })),
  get: (id: string) => answer(api.GET('/api/v1/security-groups/{group}', at(id))),
  create: (body: CreateSecurityGroup) => answer(api.POST('/api/v1/security-groups', { body })),
  remove: (id: string) => answer(api.DELETE('/api/v1/security-groups/{group}', at(id))),
  addRule: (id: string, body: CreateSecurityGroupRule) => answer(api.POST('/api/v1/security-groups/{group}/rules', { ...at(id), body })),
  removeRule: (id: string, ruleId: string) => answer(api.DELETE('/api/v1/security-groups/{group}/rules/{rule}', { params: { path: { group: id, rule: ruleId } } })),
};
