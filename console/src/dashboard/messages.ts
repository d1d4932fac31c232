import type { Messages } from '../i18n/messages';

export const dashboardMessages = {
  'dashboard.title': { en: 'Dashboard', ja: 'ダッシュボード' },
  'dashboard.of': { en: 'Account {name}', ja: 'アカウント {name}' },
  'dashboard.instances': { en: 'Instances', ja: 'インスタンス' },
  'dashboard.use': { en: 'In use', ja: '使用量' },
  'dashboard.more': { en: 'Also in this account', ja: 'その他のリソース' },
  'dashboard.events': { en: 'Latest events', ja: '最新のイベント' },
  'dashboard.allEvents': { en: 'All events', ja: 'すべてのイベント' },
  'dashboard.noInstances': { en: 'Nothing runs here yet. Launch the first instance.', ja: 'まだ何も動いていません。最初のインスタンスを起動しましょう。' },
  'dashboard.hosts': { en: 'Capacity of the hosts', ja: 'ホストの容量' },
  'dashboard.hostsUp': { en: '{up} of {total} hosts are up', ja: 'ホスト {total} 台中 {up} 台が稼働中' },
  'dashboard.noHosts': { en: 'No host has joined yet.', ja: '参加しているホストはまだありません。' },
  'dashboard.nothing': { en: 'What you may do in this account is in the navigation.', ja: 'このアカウントで利用できる機能は、ナビゲーションから選んでください。' },
} as const satisfies Messages;
