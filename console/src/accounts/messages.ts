import type { Messages } from '../i18n/messages';

export const accountMessages = {
  'account.title': { en: 'Accounts', ja: 'アカウント' },
  'account.about': { en: 'The tenants of the cloud. Every user and resource belongs to exactly one.', ja: 'クラウドの利用者の単位です。ユーザーとリソースは必ず 1 つのアカウントに属します。' },
  'account.create': { en: 'Create account', ja: 'アカウントを作成' },
  'account.empty': { en: 'No accounts', ja: 'アカウントはありません' },
  'account.kind': { en: 'Kind', ja: '種類' },
  'account.kind.operator': { en: 'Operator', ja: '運用者' },
  'account.kind.tenant': { en: 'Tenant', ja: 'テナント' },
  'account.all': { en: 'All accounts', ja: 'すべてのアカウント' },
  'account.actFor': { en: 'Act for this account', ja: 'このアカウントとして操作' },
} as const satisfies Messages;
