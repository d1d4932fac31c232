import type { Messages } from '../i18n/messages';

export const placementGroupMessages = {
  'placementGroup.title': { en: 'Placement groups', ja: 'プレイスメントグループ' },
  'placementGroup.about': { en: 'Instances launched into a group share a host, or are on different ones.', ja: 'グループに入れて起動したインスタンスは、同じホスト、または別々のホストに置かれます。' },
  'placementGroup.empty': { en: 'No placement groups', ja: 'プレイスメントグループはありません' },
  'placementGroup.create': { en: 'Create placement group', ja: 'プレイスメントグループを作成' },
  'placementGroup.policy': { en: 'Policy', ja: 'ポリシー' },
  'placementGroup.instances': { en: 'Instances', ja: 'インスタンス' },
  'placementGroup.affinity': { en: 'All on one host.', ja: 'すべて同じホストに置きます。' },
  'placementGroup.anti-affinity': { en: 'Each on another host.', ja: 'それぞれ別のホストに置きます。' },
  'placementGroup.soft-affinity': { en: 'On as few hosts as there is room on.', ja: '空きの許すかぎり少ないホストに置きます。' },
  'placementGroup.soft-anti-affinity': { en: 'On as many hosts as there is room on.', ja: '空きの許すかぎり多くのホストに分けて置きます。' },
} as const satisfies Messages;
