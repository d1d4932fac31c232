import type { Messages } from '../i18n/messages';

export const memberMessages = {
  'member.title': { en: 'Members', ja: 'メンバー' },
  'member.about': { en: 'Who has a role in this account, be they users of it or of another one. Those who administer its domain act for it, too.', ja: 'このアカウントでロールを持つユーザーです。他のアカウントのユーザーも追加できます。このほかドメインの管理者も操作できます。' },
  'member.ofDomain': { en: 'Whoever has a role here has it in the domains beneath and in all of their accounts.', ja: 'ここでのロールは、配下のドメインとそれらのすべてのアカウントでも有効です。' },
  'member.empty': { en: 'No members', ja: 'メンバーはいません' },
  'member.user': { en: 'User', ja: 'ユーザー' },
  'member.you': { en: 'you', ja: '自分' },
  'member.userHint': { en: 'The name of a user that there is, of whatever account.', ja: '既存のユーザー名 (どのアカウントのユーザーでもかまいません)。' },
  'member.since': { en: 'Since', ja: '追加日時' },
  'member.add': { en: 'Add member', ja: 'メンバーを追加' },
  'member.change': { en: 'Change role', ja: 'ロールを変更' },
  'member.changeTitle': { en: 'Change the role of {name}', ja: '{name} のロールを変更' },
  'member.set': { en: 'Set the role of {name}', ja: '{name} のロールを設定しました' },
  'member.remove': { en: 'Remove', ja: '外す' },
  'member.removeTitle': { en: 'Take the role of {name} away?', ja: '{name} をメンバーから外しますか?' },
  'member.removeManyTitle': { en: 'Take the roles of {count} members away?', ja: '{count} 人をメンバーから外しますか?' },
  'member.removeBody': { en: 'The user stays, and keeps its roles elsewhere.', ja: 'ユーザー自体は残り、他でのロールも変わりません。' },
  'member.removed': { en: '{name} is no member any more', ja: '{name} をメンバーから外しました' },
} as const satisfies Messages;
