import type { Messages } from '../i18n/messages';

export const userMessages = {
  'user.title': { en: 'Users', ja: 'ユーザー' },
  'user.about': { en: 'People and programs that act for the account.', ja: 'アカウントとして操作する人やプログラムです。' },
  'user.empty': { en: 'No users', ja: 'ユーザーはありません' },
  'user.create': { en: 'Create user', ja: 'ユーザーを作成' },
  'user.role': { en: 'Role', ja: '役割' },
  'user.role.admin': { en: 'Admin', ja: '管理者' },
  'user.role.member': { en: 'Member', ja: 'メンバー' },
  'user.role.reader': { en: 'Reader', ja: '閲覧者' },
  'user.roleHint.admin': { en: 'Manages resources and users.', ja: 'リソースとユーザーを管理します。' },
  'user.roleHint.member': { en: 'Manages resources.', ja: 'リソースを管理します。' },
  'user.roleHint.reader': { en: 'Only reads.', ja: '閲覧のみできます。' },
  'user.account': { en: 'Account', ja: 'アカウント' },
  'user.accountOwn': { en: 'The present account', ja: '現在のアカウント' },
  'user.passwordHint': { en: 'At least 8 characters.', ja: '8 文字以上。' },
} as const satisfies Messages;
