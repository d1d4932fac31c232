import type { Messages } from '../i18n/messages';

export const peeringMessages = {
  'peering.title': { en: 'Peerings', ja: 'ピアリング' },
  'peering.about': { en: 'Networks of other accounts that this one reaches. Both accounts have to agree.', ja: '他のアカウントのネットワークとの接続です。双方のアカウントの合意が必要です。' },
  'peering.empty': { en: 'No peerings', ja: 'ピアリングはありません' },
  'peering.create': { en: 'Request peering', ja: 'ピアリングを申請' },
  'peering.createTitle': { en: 'Request a peering for {name}', ja: '{name} のピアリングを申請' },
  'peering.ask': { en: 'Request', ja: '申請' },
  'peering.with': { en: 'Their network', ja: '相手のネットワーク' },
  'peering.withHint': { en: 'ACCOUNT/NETWORK, or the network’s id. The other account has to accept.', ja: '「アカウント/ネットワーク」またはネットワーク ID。相手のアカウントが承認すると有効になります。' },
  'peering.other': { en: 'Other network', ja: '相手のネットワーク' },
  'peering.state.active': { en: 'Active', ja: '有効' },
  'peering.state.asked': { en: 'Waits for the other account', ja: '相手の承認待ち' },
  'peering.state.offered': { en: 'Waits for your answer', ja: '承認が必要' },
  'peering.offered': { en: '{other} asks for a peering with {own}', ja: '{other} から {own} へのピアリング申請があります' },
  'peering.offeredBody': { en: 'If you accept, the two networks reach each other as far as security groups allow.', ja: '承認すると、セキュリティグループが許可する範囲で相互に通信できるようになります。' },
  'peering.accept': { en: 'Accept', ja: '承認' },
  'peering.reject': { en: 'Reject', ja: '拒否' },
  'peering.deleteBody': { en: 'The two networks no longer reach each other. To join them again, both accounts have to agree anew.', ja: '2 つのネットワークは相互に通信できなくなります。再び接続するには、改めて双方の合意が必要です。' },
} as const satisfies Messages;
