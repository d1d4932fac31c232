import type { Messages } from '../i18n/messages';

export const domainMessages = {
  'domain.title': { en: 'Domains', ja: 'ドメイン' },
  'domain.about': { en: 'The tree above the accounts: resellers, departments. A role in a domain holds in all that is beneath.', ja: 'アカウントの上位にある階層 (販売店や部署など) です。ドメインでのロールは配下のすべてで有効です。' },
  'domain.empty': { en: 'No domains', ja: 'ドメインはありません' },
  'domain.create': { en: 'Create domain', ja: 'ドメインを作成' },
  'domain.parent': { en: 'Beneath', ja: '上位ドメイン' },
  'domain.path': { en: 'Path', ja: 'パス' },
  'domain.accounts': { en: 'Accounts', ja: 'アカウント数' },
  'domain.accountsWithin': { en: 'Accounts, with those beneath', ja: 'アカウント数 (配下を含む)' },
  'domain.rename': { en: 'Rename', ja: '名前を変更' },
  'domain.renameTitle': { en: 'Rename {name}', ja: '{name} の名前を変更' },
  'domain.renameHint': { en: 'The paths of the domains beneath follow.', ja: '配下のドメインのパスも変わります。' },
  'domain.renamed': { en: 'The domain is {name} now', ja: 'ドメイン名を {name} に変更しました' },
  'domain.deleteBody': { en: 'Only a domain without accounts and without domains beneath can be deleted. Its roles, and the roles that people have in it, go too.', ja: 'アカウントも配下のドメインもない場合だけ削除できます。ドメインのロールとメンバーも削除されます。' },
} as const satisfies Messages;
