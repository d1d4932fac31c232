import type { Messages } from '../i18n/messages';

export const sessionMessages = {
  'session.logIn': { en: 'Log in', ja: 'ログイン' },
  'session.user': { en: 'User', ja: 'ユーザー' },
  'session.password': { en: 'Password', ja: 'パスワード' },
  'session.code': { en: 'This user signs in with a one-time password besides.', ja: 'このユーザーはワンタイムパスワードも必要です。' },
  'session.codeField': { en: 'One-time password', ja: 'ワンタイムパスワード' },
  'session.codeHint': { en: 'Six digits of the authenticator program, or a recovery code.', ja: '認証アプリの 6 桁の数字、またはリカバリーコード。' },
  'session.expired': { en: 'Your session has ended. Log in to go on where you were.', ja: 'セッションが終了しました。ログインすると元の画面に戻ります。' },
  'session.wait': { en: 'Too many attempts. Try again in {seconds} s.', ja: '試行回数が多すぎます。{seconds} 秒後にもう一度お試しください。' },
  'session.accountLost': { en: 'You have no role in the account {name} any more. This is your own account.', ja: 'アカウント {name} での役割がなくなったため、自分のアカウントに戻りました。' },
  'session.held': { en: 'The account {name} stands still: it can be looked at, not changed.', ja: 'アカウント {name} は停止中のため、閲覧のみできます。' },
  'session.suspended': { en: 'The account {name} is suspended', ja: 'アカウント {name} は停止されています' },
  'session.closed': { en: 'The account {name} is closed', ja: 'アカウント {name} は閉鎖されています' },
  'session.reason': { en: 'Reason: {reason}', ja: '理由: {reason}' },
  'session.suspendedHint': { en: 'Its instances are stopped. What it has is kept and can be looked at; only those who administer its domain can change it.', ja: 'インスタンスは止まっています。リソースは保持され閲覧できますが、変更できるのはドメインの管理者だけです。' },
  'session.closedHint': { en: 'Its instances are stopped, and only those who administer its domain see what it has.', ja: 'インスタンスは止まっており、リソースを表示できるのはドメインの管理者だけです。' },
  'session.unknown': { en: 'It could not be found out what you may do', ja: '権限を確認できませんでした' },
} as const satisfies Messages;
