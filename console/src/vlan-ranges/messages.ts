import type { Messages } from '../i18n/messages';

export const vlanRangeMessages = {
  'vlanRange.title': { en: 'VLAN ranges', ja: 'VLAN 範囲' },
  'vlanRange.about': { en: 'VLANs of a device that are given to an account, which makes bridged networks in them by itself.', ja: 'アカウントに割り当てたデバイスの VLAN です。アカウントはこの中で自由にブリッジネットワークを作成できます。' },
  'vlanRange.empty': { en: 'No VLAN ranges', ja: 'VLAN 範囲はありません' },
  'vlanRange.create': { en: 'Give VLANs to an account', ja: 'VLAN をアカウントに割り当て' },
  'vlanRange.createDo': { en: 'Give', ja: '割り当て' },
  'vlanRange.account': { en: 'Account', ja: 'アカウント' },
  'vlanRange.accountChoose': { en: 'Choose an account', ja: 'アカウントを選択' },
  'vlanRange.device': { en: 'Device', ja: 'デバイス' },
  'vlanRange.deviceHint': { en: 'A bridge or another device that the hosts offer (kumoi agent --segment-device). It means the same segment on every host.', ja: 'ホストが提供するブリッジまたはデバイス (kumoi agent --segment-device)。どのホストでも同じセグメントにつながっている必要があります。' },
  'vlanRange.vlans': { en: 'VLANs', ja: 'VLAN' },
  'vlanRange.vlansHint': { en: 'A range such as 100-199, or one number; 1 to 4094. It overlaps no other range of the device.', ja: '100-199 のような範囲、または 1 つの番号 (1〜4094)。同じデバイスの他の範囲と重複不可。' },
  'vlanRange.deleteBody': { en: 'The account makes no more networks in it. Those that are there stay as they are.', ja: 'この範囲で新しいネットワークを作成できなくなります。既存のネットワークはそのまま残ります。' },
} as const satisfies Messages;
