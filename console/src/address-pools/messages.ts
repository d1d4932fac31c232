import type { Messages } from '../i18n/messages';

export const addressPoolMessages = {
  'addressPool.title': { en: 'Address pools', ja: 'アドレスプール' },
  'addressPool.about': { en: 'The public addresses that accounts may take as floating addresses.', ja: 'アカウントがフローティングアドレスとして取得できるパブリックアドレスの範囲です。' },
  'addressPool.empty': { en: 'No address pools', ja: 'アドレスプールはありません' },
  'addressPool.create': { en: 'Create address pool', ja: 'アドレスプールを作成' },
  'addressPool.edit': { en: 'Edit', ja: '編集' },
  'addressPool.editTitle': { en: 'Edit {name}', ja: '{name} を編集' },
  'addressPool.ranges': { en: 'Ranges', ja: '範囲' },
  'addressPool.rangesHint': { en: 'IPv4 ranges of /12 to /30, one a line, in no other pool.', ja: 'IPv4、/12〜/30。1 行に 1 つ。他のプールと重複できません。' },
  'addressPool.excluded': { en: 'Excluded parts', ja: '除外範囲' },
  'addressPool.excludedHint': { en: 'Parts of the ranges that are never given out.', ja: '範囲のうち、割り当てに使わない部分。' },
  'addressPool.reserved': { en: 'Reserved addresses', ja: '予約アドレス' },
  'addressPool.reservedHint': { en: 'Given out only when asked for by name: ADDRESS, or ADDRESS=ACCOUNT for one account alone.', ja: '指定されたときだけ割り当てます。「アドレス」、または 1 アカウント専用の「アドレス=アカウント」。' },
  'addressPool.accountsHint': { en: 'Who may take addresses of it. Left empty: all accounts.', ja: 'このプールを利用できるアカウント。空欄の場合はすべてのアカウント。' },
  'addressPool.used': { en: 'In use', ja: '使用中' },
  'addressPool.free': { en: 'Free', ja: '空き' },
  'addressPool.onlyV4': { en: 'An IPv4 range such as 203.0.113.0/26', ja: '203.0.113.0/26 のような IPv4 範囲' },
} as const satisfies Messages;
