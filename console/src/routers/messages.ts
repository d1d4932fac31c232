import type { Messages } from '../i18n/messages';

export const routerMessages = {
  'router.title': { en: 'Routers', ja: 'ルーター' },
  'router.about': { en: 'Networks of the account that reach each other. Every host routes by itself; nothing boots for it.', ja: 'アカウント内のネットワーク同士をつなぎます。各ホストが直接転送するため、ルーター用の VM はありません。' },
  'router.empty': { en: 'This network is joined to no router', ja: 'このネットワークはルーターに接続していません' },
  'router.one': { en: 'Router', ja: 'ルーター' },
  'router.create': { en: 'Create router', ja: 'ルーターを作成' },
  'router.join': { en: 'Join a router', ja: '既存のルーターに接続' },
  'router.joinTitle': { en: 'Join {name} to a router', ja: '{name} をルーターに接続' },
  'router.joinDo': { en: 'Join', ja: '接続' },
  'router.change': { en: 'Change networks', ja: 'ネットワークを変更' },
  'router.changeTitle': { en: 'Networks of {name}', ja: '{name} のネットワーク' },
  'router.networks': { en: 'Networks', ja: 'ネットワーク' },
  'router.networksHint': { en: 'Their ranges must not overlap.', ja: 'アドレス範囲が重なるネットワークは接続できません。' },
  'router.choose': { en: 'Choose networks', ja: 'ネットワークを選択' },
  'router.chooseOne': { en: 'Choose a router', ja: 'ルーターを選択' },
  'router.deleteBody': { en: 'Its networks no longer reach each other. This cannot be undone.', ja: '接続していたネットワーク同士は通信できなくなります。この操作は取り消せません。' },
} as const satisfies Messages;
